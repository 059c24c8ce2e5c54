//! The attribute as a function on tokens: its messages and its expansion.

mod mistakes;
mod snapshots;

use crate::target::Target;
use proc_macro2::TokenStream;
use syn::{File, Item};

/// Expands the attribute and parses the result.
fn expand(target: Target, args: TokenStream, item: &TokenStream) -> File {
    let tokens = crate::expand_attribute(target, args, item);
    match syn::parse2(tokens.clone()) {
        Ok(file) => file,
        Err(error) => panic!("{error} in {tokens}"),
    }
}

/// The message of a `compile_error!`, or `None` for any other item.
fn message(item: &Item) -> Option<String> {
    let Item::Macro(call) = item else { return None };
    if !call.mac.path.segments.iter().any(|segment| segment.ident == "compile_error") {
        return None;
    }
    match syn::parse2::<syn::LitStr>(call.mac.tokens.clone()) {
        Ok(text) => Some(text.value()),
        Err(error) => panic!("{error}"),
    }
}
