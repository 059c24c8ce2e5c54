//! The expansion of an attribute with mistakes: the compile errors and the user's item.
//!
//! The item is emitted too, and the function that a correct attribute adds, because without them every use of their names
//! would be a further error.

use crate::expand::parts;
use crate::parse::handler::{Handler, is_idempotent};
use crate::target::Target;
use proc_macro2::TokenStream;
use quote::quote;

/// Returns the errors and the function as it was written, without any `#[idempotent]`.
pub(crate) fn function(errors: &syn::Error, handler: &Handler, target: Target) -> TokenStream {
    let Handler { attrs, vis, sig, body } = handler;
    let attrs = attrs.iter().filter(|attr| !is_idempotent(attr));
    let errors = errors.to_compile_error();
    let is_free = target.is_http() && sig.receiver().is_none();
    let unguarded = is_free.then(|| parts::unguarded(handler, &[]));
    quote! { #errors #unguarded #(#attrs)* #vis #sig #body }
}

/// Returns the error and an item that is not a function.
pub(crate) fn item(error: &syn::Error, item: &TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote! { #error #item }
}
