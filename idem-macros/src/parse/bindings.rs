//! The names that a parameter pattern binds, and the names that an expression mentions.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{FieldPat, Pat, PatWild};

/// Returns the names that `pat` binds.
pub(crate) fn names(pat: &Pat) -> Vec<Ident> {
    let mut names = Vec::new();
    each_binding(&mut pat.clone(), &mut |pat| {
        if let Pat::Ident(binding) = pat {
            names.push(binding.ident.clone());
        }
    });
    names
}

/// Whether `pat` binds one of the names.
pub(crate) fn binds_any(pat: &Pat, mentions: &[String]) -> bool {
    names(pat).iter().any(|name| mentions.iter().any(|mention| name == mention))
}

/// Returns `pat` in a form that matches a reference. Mentioned names are bound by reference; other names are
/// left out, because they would be reported as unused.
pub(crate) fn by_reference(pat: &Pat, mentions: &[String]) -> Pat {
    let mut pat = pat.clone();
    each_binding(&mut pat, &mut |pat| {
        let Pat::Ident(binding) = pat else { return };
        if mentions.iter().any(|mention| binding.ident == mention) {
            // On a reference, rustc binds by reference and allows no modifier.
            binding.by_ref = None;
            binding.mutability = None;
        } else {
            let inner = binding.subpat.take().map(|(_, inner)| *inner);
            *pat = inner.unwrap_or_else(wildcard);
        }
    });
    pat
}

fn wildcard() -> Pat {
    Pat::Wild(PatWild { attrs: Vec::new(), underscore_token: Default::default() })
}

/// Visits every binding, the innermost first, and removes the `&` of reference patterns.
fn each_binding(pat: &mut Pat, visit: &mut dyn FnMut(&mut Pat)) {
    while let Pat::Reference(reference) = pat {
        *pat = (*reference.pat).clone();
    }
    match pat {
        Pat::Ident(binding) => {
            if let Some((_, inner)) = &mut binding.subpat {
                each_binding(inner, visit);
            }
            visit(pat);
        }
        Pat::Or(or) => or.cases.iter_mut().for_each(|p| each_binding(p, visit)),
        Pat::Paren(paren) => each_binding(&mut paren.pat, visit),
        Pat::Slice(slice) => slice.elems.iter_mut().for_each(|p| each_binding(p, visit)),
        Pat::Struct(pat) => pat.fields.iter_mut().for_each(|f| each_field_binding(f, visit)),
        Pat::Tuple(tuple) => tuple.elems.iter_mut().for_each(|p| each_binding(p, visit)),
        Pat::TupleStruct(tuple) => tuple.elems.iter_mut().for_each(|p| each_binding(p, visit)),
        Pat::Type(typed) => each_binding(&mut typed.pat, visit),
        _ => {}
    }
}

fn each_field_binding(field: &mut FieldPat, visit: &mut dyn FnMut(&mut Pat)) {
    each_binding(&mut field.pat, visit);
    // `visit` may have changed `{ id }` to `{ id: _ }`.
    if !matches!(*field.pat, Pat::Ident(_)) {
        field.colon_token.get_or_insert_default();
    }
}

/// Returns every name in `expression` that may be a variable. Fields and methods are left out. The names that
/// a format string captures are included.
pub(crate) fn mentions(expression: impl ToTokens) -> Vec<String> {
    let mut names = Vec::new();
    collect(expression.to_token_stream(), &mut names);
    names
}

fn collect(tokens: TokenStream, names: &mut Vec<String>) {
    let mut before = (' ', ' ');
    for tree in tokens {
        // A later segment of a path, or a field or method. A dot that ends a range is neither.
        let is_member = before == (':', ':') || before.1 == '.' && before.0 != '.';
        let mut last = ' ';
        match tree {
            TokenTree::Ident(name) if !is_member => names.push(name.to_string()),
            TokenTree::Group(group) => collect(group.stream(), names),
            TokenTree::Literal(literal) => names.extend(captures(&literal.to_string())),
            TokenTree::Punct(punct) => last = punct.as_char(),
            TokenTree::Ident(_) => {}
        }
        before = (before.1, last);
    }
}

/// Returns the names in the braces of a format string: `a` and `b` of `"{a}/{b:?}"`.
fn captures(literal: &str) -> impl Iterator<Item = String> {
    literal.split('{').skip(1).map(|rest| {
        let name = rest.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        name.take(1).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;
    use syn::parse_quote;

    fn parameter(tokens: &TokenStream) -> Pat {
        let parameter: syn::FnArg = parse_quote!(#tokens: T);
        match parameter {
            syn::FnArg::Typed(typed) => *typed.pat,
            syn::FnArg::Receiver(_) => panic!("`{tokens}` is a receiver"),
        }
    }

    #[test]
    fn patterns_bind_names() {
        for (pat, expected) in [
            (quote!(tenant), "tenant"),
            (quote!(mut tenant), "tenant"),
            (quote!(State(app)), "app"),
            (quote!(Path((shop, mut order))), "shop order"),
            (quote!(Tenant { id, name: ref title, .. }), "id title"),
            (quote!(whole @ Tenant { id, .. }), "id whole"),
            (quote!([first, .., last]), "first last"),
            (quote!(&(ref a, b)), "a b"),
            (quote!(_), ""),
        ] {
            let names: Vec<_> = names(&parameter(&pat)).iter().map(Ident::to_string).collect();
            assert_eq!(names.join(" "), expected, "{pat}");
        }
    }

    #[test]
    fn patterns_by_reference_bind_what_is_mentioned() {
        let mentions = ["a".to_owned(), "id".to_owned()];
        for (pat, expected) in [
            (quote!(mut a), quote!(a)),
            (quote!(State(ref mut a)), quote!(State(a))),
            (quote!(Path((&a, mut b))), quote!(Path((a, _)))),
            (quote!(&a), quote!(a)),
            (quote!(Tenant { mut id, name, .. }), quote!(Tenant { id, name: _, .. })),
            (quote!(Tenant { id: b, .. }), quote!(Tenant { id: _, .. })),
            (quote!(whole @ Tenant { id, .. }), quote!(Tenant { id, .. })),
            (quote!(a @ Tenant { name, .. }), quote!(a @ Tenant { name: _, .. })),
        ] {
            let stripped = by_reference(&parameter(&pat), &mentions).to_token_stream();
            assert_eq!(stripped.to_string(), expected.to_string(), "{pat}");
        }
    }

    #[test]
    fn expressions_mention_variables() {
        for (expression, expected) in [
            (quote!(tenant), "tenant"),
            (quote!(auth.tenant_id), "auth"),
            (quote!(auth.tenant().id(user)), "auth user"),
            (quote!(&text[start..end]), "text start end"),
            (quote!(text[..=end]?.len), "text end"),
            (quote!(config::tenant), "config"),
            (quote!(Id { of: tenant }), "Id of tenant"),
            (quote!(format!("{tenant}/{user:?}")), "format tenant user"),
            (quote!("fixed"), ""),
        ] {
            assert_eq!(mentions(&expression).join(" "), expected, "{expression}");
        }
    }
}
