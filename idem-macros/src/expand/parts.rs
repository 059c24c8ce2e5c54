//! Pieces of code that the targets share.
//!
//! Generated names have the span `Span::mixed_site`, so that they never meet the user's variables. They start
//! with two underscores, because in a pattern a constant or static of the same name would take precedence.
//! The examples in comments leave the underscores out. Where rustc checks a user's type, the generated tokens
//! have the location of the user's token.

use super::policy;
use crate::attribute::{Attribute, KeySource};
use crate::parse::bindings;
use crate::parse::expression::{Expression, Fingerprint, Scope};
use crate::parse::handler::{Handler, is_idempotent};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericParam, Generics, Meta, ReturnType};

/// Returns an expression in the generated function that borrows the parameter at a position.
pub(crate) type ParamRef<'a> = &'a dyn Fn(usize) -> TokenStream;

/// Returns statements that bind the names mentioned by an expression to references.
pub(crate) type Rebind<'a> = &'a dyn Fn(&[String]) -> TokenStream;

/// The location of `tokens` for messages, with the name resolution of generated code.
pub(crate) fn at(tokens: &impl Spanned) -> Span {
    Span::mixed_site().located_at(tokens.span())
}

/// The location of the return type, or of the function's name if no return type is written.
pub(crate) fn output(handler: &Handler) -> Span {
    match &handler.sig.output {
        ReturnType::Type(_, ty) => at(ty),
        ReturnType::Default => at(handler.name()),
    }
}

/// The path of the items that the expansion names: `::idem_axum::__private`, or below the path that `crate` names.
pub(crate) fn private(attribute: &Attribute) -> TokenStream {
    let krate = &attribute.krate;
    quote_spanned!(Span::mixed_site()=> #krate::__private)
}

/// The name of the argument at a position.
pub(crate) fn argument(position: usize) -> Ident {
    format_ident!("__arg{position}", span = Span::mixed_site())
}

/// The user's function as an expression, with its own type and const parameters: `create` or `create::<R>`.
pub(crate) fn function(handler: &Handler) -> TokenStream {
    let name = handler.name();
    if !handler.is_generic() {
        return name.to_token_stream();
    }
    let params = handler.sig.generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) => Some(&param.ident),
        GenericParam::Const(param) => Some(&param.ident),
        GenericParam::Lifetime(_) => None,
    });
    quote_spanned!(at(name)=> #name::<#(#params),*>)
}

/// The user's type parameters and bounds, with `R: 'static` for each type parameter: a run may outlive the request, and no
/// handler that a framework accepts borrows. It is added to bounds beside the parameter if there are some, because clippy reports
/// bounds in two places.
pub(crate) fn generics(handler: &Handler) -> Generics {
    let mut generics = handler.sig.generics.clone();
    let site = Span::mixed_site();
    let mut unbounded = Vec::new();
    for param in generics.type_params_mut() {
        if param.bounds.is_empty() {
            unbounded.push(param.ident.clone());
        } else {
            param.bounds.push(syn::parse_quote_spanned!(site=> 'static));
        }
    }
    for param in unbounded {
        let bound = syn::parse_quote_spanned!(site=> #param: 'static);
        generics.make_where_clause().predicates.push(bound);
    }
    generics
}

/// The user's function under the name `<name>_unguarded`, for unit tests and for other handlers. It is a copy: the
/// guarded function could not name it in an `impl` block, so its own copy is inside it. `used` are the names that the
/// attribute mentions.
pub(crate) fn unguarded(handler: &Handler, used: &[Ident]) -> TokenStream {
    let vis = &handler.vis;
    let attrs = handler.attrs.iter().filter(|attr| !is_idempotent(attr)).map(allow_expected);
    let mut sig = handler.sig.clone();
    sig.ident = format_ident!("{}_unguarded", sig.ident, span = sig.ident.span());
    let body = body_with(handler, used);
    quote_spanned!(Span::mixed_site()=> #(#attrs)* #[allow(dead_code)] #vis #sig #body)
}

/// `allow` in place of `expect`: the guarded function meets the expectation.
fn allow_expected(attr: &syn::Attribute) -> syn::Attribute {
    let mut attr = attr.clone();
    if let Meta::List(list) = &mut attr.meta
        && list.path.is_ident("expect")
    {
        list.path = syn::parse_quote_spanned!(list.path.span()=> allow);
    }
    attr
}

/// The user's complete function, under its own name.
fn inner(handler: &Handler, used: &[Ident]) -> TokenStream {
    let attrs = handler.attrs.iter().filter(|attr| !is_outer(attr));
    let (sig, body) = (&handler.sig, body_with(handler, used));
    quote_spanned!(Span::mixed_site()=> #(#attrs)* #sig #body)
}

/// The names of parameters that the attribute mentions. They are marked as used, because some handlers take a parameter,
/// such as the tenant, only for the scope.
pub(crate) fn used(handler: &Handler, attribute: &Attribute) -> Vec<Ident> {
    let mentions = attribute.mentions();
    let bound = handler.parameters().flat_map(|parameter| bindings::names(&parameter.pat));
    bound.filter(|name| mentions.iter().any(|mention| name == mention)).collect()
}

/// The user's body, where `used` are marked as used.
fn body_with(handler: &Handler, used: &[Ident]) -> Group {
    if used.is_empty() {
        return handler.body.clone();
    }
    let body = nested_body(handler);
    block(handler, quote_spanned!(Span::mixed_site()=> #(let _ = &#used;)* #body))
}

/// The generated body between the user's own braces. Then rustc treats the function as the user's, and reports
/// a handler that is not used.
pub(crate) fn block(handler: &Handler, statements: TokenStream) -> Group {
    let mut block = Group::new(Delimiter::Brace, statements);
    block.set_span(handler.body.span());
    block
}

/// `'body: { body }`, the user's body as a nested block. Nothing breaks to the label. Without it, rustc reports
/// the braces around a single expression as unused.
pub(crate) fn nested_body(handler: &Handler) -> TokenStream {
    let body = &handler.body;
    quote_spanned!(Span::mixed_site()=> '__body: #body)
}

/// The body of a guarded HTTP handler: admits the call, evaluates the expressions and runs the call.
/// ```text
/// async fn create(…) -> Receipt { body }
/// let policy = const { &Policy::new(24 hours, Guarantee::AtMostOnce) };
/// let call = match /* admit */ { Ok(call) => call, Err(refused) => return refused };
/// let scope = { let tenant = /* param_ref */; Scope::of(&scope_part(tenant)) };
/// /* run */
/// ```
/// The policy is a variable, because the user's function could see a constant.
pub(crate) fn guarded(
    private: &TokenStream,
    handler: &Handler,
    attribute: &Attribute,
    param_ref: ParamRef<'_>,
    (admit, run): (TokenStream, TokenStream),
) -> TokenStream {
    let inner = inner(handler, &used(handler, attribute));
    let policy = policy::policy(private, attribute);
    let rebind = |mentions: &[String]| rebind(mentions, handler, param_ref);
    let wrap = quote_spanned!(Span::mixed_site()=> #private::scope_part);
    let scope = scope(private, &attribute.scope, Some(&wrap), &rebind);
    let key = key(private, attribute, &rebind);
    let fingerprint = fingerprint(private, attribute, &rebind);
    let label = label(attribute, &rebind);
    quote_spanned! {Span::mixed_site()=>
        #inner
        let __policy = #policy;
        let __call = match #admit {
            ::core::result::Result::Ok(__call) => __call,
            ::core::result::Result::Err(__refused) => return __refused,
        };
        let __scope = #scope;
        #key
        #fingerprint
        #label
        #run
    }
}

/// `let key = …; let call = call.with_key(key);`, if the attribute has a `key`.
fn key(private: &TokenStream, attribute: &Attribute, rebind: Rebind<'_>) -> Option<TokenStream> {
    let KeySource::Argument(key) = &attribute.key else {
        return None;
    };
    let site = Span::mixed_site();
    let key = value_of(&quote_spanned!(site=> #private::IdempotencyKey), key, rebind);
    Some(quote_spanned!(site=> let __key = #key; let __call = __call.with_key(__key);))
}

/// `let input = …; let call = call.with_fingerprint(input);`, if the attribute has an expression for it.
pub(crate) fn fingerprint(
    private: &TokenStream,
    attribute: &Attribute,
    rebind: Rebind<'_>,
) -> Option<TokenStream> {
    let Fingerprint::Of(input) = &attribute.fingerprint else {
        return None;
    };
    let site = Span::mixed_site();
    let input = value_of(&quote_spanned!(site=> #private::FingerprintInput), input, rebind);
    Some(quote_spanned! {site=>
        let __input = #input;
        let __call = __call.with_fingerprint(__input);
    })
}

/// `let label = { let payment = …; (&(payment.order_id)).to_string() }; let call = call.with_label(&label);`, if the
/// attribute has a `label`.
pub(crate) fn label(attribute: &Attribute, rebind: Rebind<'_>) -> Option<TokenStream> {
    let label = attribute.label.as_ref()?;
    let (lets, value) = (rebind(&label.mentions), reference(label));
    let label =
        quote_spanned!(at(&label.expr)=> { #lets ::std::string::ToString::to_string(#value) });
    Some(quote_spanned! {Span::mixed_site()=>
        let __label = #label;
        let __call = __call.with_label(&__label);
    })
}

/// `recovery(find_charge(app, payment).await)`. Its span is the expression, where rustc reports a value that is
/// not a future of a `Recovery`.
pub(crate) fn recovery(private: &TokenStream, recover: &Expression) -> TokenStream {
    let expr = &recover.expr;
    quote_spanned!(at(expr)=> #private::recovery((#expr).await))
}

/// `move |args| async move { let recovery = { let tenant = &args.0; … }; (args, recovery) }`. The arguments move in
/// and out, so that the future owns what the expression borrows.
pub(crate) fn hook(
    private: &TokenStream,
    handler: &Handler,
    recover: &Expression,
    param_ref: ParamRef<'_>,
) -> TokenStream {
    let lets = rebind(&recover.mentions, handler, param_ref);
    let recovery = recovery(private, recover);
    quote_spanned! {Span::mixed_site()=>
        |__args| async move {
            let __recovery = { #lets #recovery };
            (__args, __recovery)
        }
    }
}

/// Whether an attribute goes on the generated function instead of the user's function inside it. These are the
/// attributes for callers and the lint levels. The levels hold for the inner function too, while an `expect`
/// on the inner function would miss lints that are reported on the outer one.
pub(crate) fn is_outer(attr: &&syn::Attribute) -> bool {
    const OUTER: &[&str] =
        &["doc", "cfg", "deprecated", "must_use", "allow", "expect", "warn", "deny", "forbid"];
    OUTER.iter().any(|name| attr.path().is_ident(name))
}

/// `{ let tenant = &arg1; Scope::of(&ScopePart(tenant)) }`. `wrap` is the function that makes a value of the user a
/// `ScopeValue`, if the target has one: the extractors of a framework are foreign types.
pub(crate) fn scope(
    private: &TokenStream,
    scope: &Scope,
    wrap: Option<&TokenStream>,
    rebind: Rebind<'_>,
) -> TokenStream {
    let parts = match scope {
        Scope::Global => {
            return quote_spanned!(Span::mixed_site()=> #private::Scope::global());
        }
        Scope::Parts(parts) => parts,
    };
    let mentions: Vec<_> = parts.iter().flat_map(|part| part.mentions.clone()).collect();
    let lets = rebind(&mentions);
    let wrapped = |part: &Expression| {
        let value = reference(part);
        match wrap {
            Some(wrap) => quote_spanned!(at(&part.expr)=> #wrap(#value)),
            None => value,
        }
    };
    let value = match (&parts[..], wrap) {
        ([part], Some(_)) => {
            let value = wrapped(part);
            quote_spanned!(at(&part.expr)=> &#value)
        }
        ([part], None) => wrapped(part),
        (parts, _) => {
            let parts = parts.iter().map(wrapped);
            quote_spanned!(Span::mixed_site()=> &(#(#parts),*))
        }
    };
    let site = parts.first().map_or_else(Span::mixed_site, |part| at(&part.expr));
    quote_spanned!(site=> { #lets #private::Scope::of(#value) })
}

/// `{ let Json(payment) = call.last(); path::of(&(payment.id)) }`
pub(crate) fn value_of(
    path: &TokenStream,
    expression: &Expression,
    rebind: Rebind<'_>,
) -> TokenStream {
    let lets = rebind(&expression.mentions);
    let value = reference(expression);
    quote_spanned!(at(&expression.expr)=> { #lets #path::of(#value) })
}

/// Matches the user's patterns on references to the arguments, so that an expression cannot move an argument.
fn rebind(mentions: &[String], handler: &Handler, param_ref: ParamRef<'_>) -> TokenStream {
    let parameters = handler.parameters().map(|parameter| &parameter.pat).enumerate();
    let mentioned = parameters.filter(|(_, pat)| bindings::binds_any(pat, mentions));
    let lets = mentioned.map(|(position, pat)| {
        let pat = bindings::by_reference(pat, mentions);
        let param_ref = param_ref(position);
        quote_spanned!(Span::mixed_site()=> let #pat = #param_ref;)
    });
    lets.collect()
}

/// The expression as a reference.
fn reference(expression: &Expression) -> TokenStream {
    let expr = &expression.expr;
    if expression.is_binding {
        return expr.to_token_stream();
    }
    quote_spanned!(at(expr)=> &(#expr))
}
