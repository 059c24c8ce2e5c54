//! The rules for the annotated function.

use crate::arg_name::ATTRIBUTE;
use crate::errors::Errors;
use crate::parse::handler::{Handler, is_idempotent};
use crate::parse::suggest;
use crate::target::Target;
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, ReturnType, Safety, Type};

/// The number of extractors that axum and actix-web support.
const MAX_PARAMETERS: usize = 16;

/// Checks the attributes and the signature of the function.
pub(crate) fn check(handler: &Handler, target: Target, errors: &mut Errors) {
    is_async(handler, errors);
    if target.is_http() {
        has_no_qualifiers(handler, "a handler", errors);
        has_a_plain_signature(handler, errors);
    } else {
        has_no_qualifiers(handler, "a guarded function", errors);
        is_not_variadic(handler, errors);
        returns_a_named_type(handler, errors);
    }
    is_annotated_once(handler, errors);
    is_below_route_macros(handler, target.route_macros(), errors);
}

/// The framework calls an HTTP handler, and the expansion names its types.
fn has_a_plain_signature(handler: &Handler, errors: &mut Errors) {
    has_no_receiver(handler, errors);
    has_no_self_type(handler, errors);
    has_no_lifetimes(handler, errors);
    is_not_variadic(handler, errors);
    has_few_parameters(handler, errors);
    parameters_are_owned(handler, errors);
    parameters_have_named_types(handler, errors);
    parameters_have_no_cfg(handler, errors);
}

fn is_async(handler: &Handler, errors: &mut Errors) {
    let sig = &handler.sig;
    if sig.asyncness.is_none() {
        let message = format!("`{}` must be async; write `async fn`", sig.ident);
        errors.add(sig.fn_token, message);
    }
}

fn has_no_qualifiers(handler: &Handler, kind: &str, errors: &mut Errors) {
    let sig = &handler.sig;
    if let Some(constness) = sig.constness {
        errors.add(constness, format!("{kind} cannot be `const`; remove `const`"));
    }
    if let Safety::Unsafe(unsafety) = sig.safety {
        let message = format!("{kind} cannot be `unsafe`; write an `unsafe` block in its body");
        errors.add(unsafety, message);
    }
    if let Some(abi) = &sig.abi {
        errors.add(abi, format!("{kind} cannot be `extern`; remove `{}`", abi.to_token_stream()));
    }
}

fn returns_a_named_type(handler: &Handler, errors: &mut Errors) {
    match &handler.sig.output {
        ReturnType::Default => {
            let name = handler.name();
            let message = format!(
                "`{name}` must return a `Result` so that rejections can be reported; write `-> Result<(), E>`"
            );
            errors.add(name, message);
        }
        ReturnType::Type(_, ty) if find("impl", ty.to_token_stream()).is_some() => {
            let message = "the return type cannot be `impl Trait`, because it is stored; write the \
                           concrete type";
            errors.add(ty, message);
        }
        ReturnType::Type(_, ty) if is_no_result(ty) => {
            let returned = suggest::source(ty);
            let message = format!(
                "a guarded function must return a `Result` so that rejections can be reported; write `-> \
                 Result<{returned}, E>`"
            );
            errors.add(ty, message);
        }
        ReturnType::Type(..) => {}
    }
}

/// Whether `ty` is certainly not a `Result`. Any other name may be an alias of one.
fn is_no_result(ty: &Type) -> bool {
    const OTHERS: &[&str] = &[
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16",
        "u32", "u64", "u128", "usize", "String", "Option", "Vec", "Box", "Arc", "HashMap",
        "BTreeMap",
    ];
    match ty {
        Type::Path(path) => {
            let last = path.path.segments.last();
            last.is_some_and(|last| OTHERS.iter().any(|other| last.ident == other))
        }
        Type::Tuple(_) | Type::Array(_) | Type::Reference(_) => true,
        _ => false,
    }
}

fn has_no_receiver(handler: &Handler, errors: &mut Errors) {
    if let Some(receiver) = handler.sig.receiver() {
        let message = "a handler cannot take `self`; write a free function, and take what it needs as \
                       parameters";
        errors.add(receiver, message);
    }
}

/// The expansion moves the function into a free function, where `Self` is not defined.
fn has_no_self_type(handler: &Handler, errors: &mut Errors) {
    let mut types: Vec<_> = handler.parameters().map(|parameter| &parameter.ty).collect();
    if let ReturnType::Type(_, ty) = &handler.sig.output {
        types.push(ty);
    }
    for word in types.into_iter().filter_map(|ty| find("Self", ty.to_token_stream())) {
        errors
            .add(word, "a handler cannot use `Self` in its signature; write the name of the type");
    }
}

/// The framework calls a handler with owned values, so there is no lifetime to be generic over.
fn has_no_lifetimes(handler: &Handler, errors: &mut Errors) {
    for lifetime in handler.sig.generics.lifetimes() {
        let message = format!(
            "a handler cannot have the lifetime `{}`, because its extractors own their values; write types \
             without it",
            lifetime.lifetime
        );
        errors.add(lifetime, message);
    }
}

/// A handler gets owned values from its extractors.
fn parameters_are_owned(handler: &Handler, errors: &mut Errors) {
    for parameter in handler.parameters() {
        if let Type::Reference(reference) = &*parameter.ty {
            let owned = suggest::source(&reference.elem);
            let message = format!(
                "a handler cannot borrow a parameter, because extractors return owned values; write `{owned}`"
            );
            errors.add(reference, message);
        }
    }
}

fn is_not_variadic(handler: &Handler, errors: &mut Errors) {
    if let Some(variadic) = &handler.sig.variadic {
        errors.add(variadic, "a handler cannot be variadic; write each parameter");
    }
}

fn has_few_parameters(handler: &Handler, errors: &mut Errors) {
    if let Some(excess) = handler.parameters().nth(MAX_PARAMETERS) {
        let message = format!(
            "a handler can have at most {MAX_PARAMETERS} parameters; combine several into one extractor"
        );
        errors.add(excess, message);
    }
}

fn parameters_have_named_types(handler: &Handler, errors: &mut Errors) {
    for parameter in handler.parameters() {
        if find("impl", parameter.ty.to_token_stream()).is_some() {
            let message = "the type of a parameter cannot be `impl Trait`; write a named type parameter, such \
                           as `<R: Repo>`";
            errors.add(&parameter.ty as &Type, message);
        }
    }
}

fn parameters_have_no_cfg(handler: &Handler, errors: &mut Errors) {
    let attrs = handler.parameters().flat_map(|parameter| &parameter.attrs);
    for attr in attrs {
        let path = attr.path();
        if path.is_ident("cfg") || path.is_ident("cfg_attr") {
            let message =
                "`#[cfg]` is not supported on handler parameters; move it to the function";
            errors.add(attr, message);
        }
    }
}

fn is_annotated_once(handler: &Handler, errors: &mut Errors) {
    for attr in handler.attrs.iter().filter(|attr| is_idempotent(attr)) {
        errors.add(attr, format!("`#[{ATTRIBUTE}]` is written twice on one function; keep one"));
    }
}

/// A route macro replaces the function by a struct. Above `#[idempotent]` it registers the guarded function;
/// below, no function is left to guard.
fn is_below_route_macros(handler: &Handler, route_macros: &[&str], errors: &mut Errors) {
    let name = |attr: &Attribute| Some(attr.path().segments.last()?.ident.to_string());
    let route_macro = handler.attrs.iter().find_map(|attr| {
        let name = name(attr).filter(|name| route_macros.contains(&name.as_str()))?;
        Some((attr, name))
    });
    if let Some((attr, name)) = route_macro {
        let message = format!(
            "`#[{ATTRIBUTE}]` is above `#[{name}]`, which leaves no function to guard; move it below, \
             next to the function"
        );
        errors.add(attr, message);
    }
}

/// Returns the first identifier `word` in `tokens`.
fn find(word: &str, tokens: TokenStream) -> Option<Ident> {
    tokens.into_iter().find_map(|tree| match tree {
        TokenTree::Ident(found) => (found == word).then_some(found),
        TokenTree::Group(group) => find(word, group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}
