//! The user's function beside the mistakes, so that one mistake gives one message.

use crate::signature::{Handler, is_ours};
use proc_macro2::TokenStream;
use quote::quote;

/// The mistakes, and the function as it was written, without this attribute.
pub(crate) fn function(mistakes: &syn::Error, handler: &Handler) -> TokenStream {
    let Handler { attrs, vis, sig, body } = handler;
    let attrs = attrs.iter().filter(|attr| !is_ours(attr));
    let mistakes = mistakes.to_compile_error();
    quote! { #mistakes #(#attrs)* #vis #sig #body }
}

/// The mistakes, and an item that is no function.
pub(crate) fn item(mistakes: &syn::Error, item: &TokenStream) -> TokenStream {
    let mistakes = mistakes.to_compile_error();
    quote! { #mistakes #item }
}
