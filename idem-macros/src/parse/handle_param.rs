//! The parameter through which a plain function gets its `Idempotency`.

use super::bindings;
use super::handler::Handler;
use crate::arg_name::{ArgName, HANDLE_TYPE};
use proc_macro2::Ident;
use syn::{Expr, GenericArgument, PatType, PathArguments, Type};

/// Returns the name of the only parameter of type `Idempotency`.
///
/// # Errors
/// If there is no such parameter, if there are two, or if it has no name.
pub(crate) fn find(handler: &Handler) -> syn::Result<Expr> {
    let function = handler.name();
    let mut handles = handler.parameters().filter(|parameter| is_handle(&parameter.ty));
    let Some(handle) = handles.next() else {
        let message = format!(
            "`{function}` has no parameter of type `{HANDLE_TYPE}`; add `idempotency: &{HANDLE_TYPE}`, or \
             write where it is, such as `{}`",
            ArgName::Idempotency.example()
        );
        return Err(syn::Error::new_spanned(function, message));
    };
    if let Some(other) = handles.next() {
        let message = format!(
            "`{function}` has two parameters of type `{HANDLE_TYPE}`; write `idempotency = \"…\"` with the \
             name of the one to use"
        );
        return Err(syn::Error::new_spanned(other, message));
    }
    let Some(name) = bindings::names(&handle.pat).into_iter().next() else {
        let message = format!(
            "the parameter of type `{HANDLE_TYPE}` has no name; write `idempotency: &{HANDLE_TYPE}`"
        );
        return Err(syn::Error::new_spanned(handle, message));
    };
    Ok(syn::parse_quote!(#name))
}

/// Returns the first parameter of type `Idempotency`.
pub(crate) fn parameter(handler: &Handler) -> Option<&PatType> {
    handler.parameters().find(|parameter| is_handle(&parameter.ty))
}

/// Returns the names of the parameters of type `Idempotency`.
pub(crate) fn names(handler: &Handler) -> Vec<Ident> {
    let is_handle = |parameter: &&PatType| is_handle(&parameter.ty);
    let handles = handler.parameters().filter(is_handle);
    handles.flat_map(|parameter| bindings::names(&parameter.pat)).collect()
}

/// The smart pointers that dereference to an `Idempotency`.
const POINTERS: &[&str] = &["Arc", "Box", "Rc"];

/// Whether `ty` is `Idempotency`, under any path, or a reference or smart pointer to it.
fn is_handle(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| match &last.arguments {
            PathArguments::AngleBracketed(arguments) => {
                let is_handle = |argument: &GenericArgument| match argument {
                    GenericArgument::Type(ty) => is_handle(ty),
                    _ => false,
                };
                POINTERS.iter().any(|name| last.ident == name)
                    && arguments.args.iter().any(is_handle)
            }
            _ => last.ident == HANDLE_TYPE,
        }),
        Type::Reference(reference) => is_handle(&reference.elem),
        Type::Paren(paren) => is_handle(&paren.elem),
        Type::Group(group) => is_handle(&group.elem),
        _ => false,
    }
}
