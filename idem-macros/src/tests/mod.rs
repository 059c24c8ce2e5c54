//! The attribute as a function on tokens: what it says of mistakes, and what it expands to.

mod expand;
mod functions;
mod mistakes;

use crate::expand::{ACTIX, AXUM, FUNCTION, Flavour};
use proc_macro2::TokenStream;
use syn::{File, Item};

fn axum(args: TokenStream, item: &TokenStream) -> File {
    expand(&AXUM, args, item)
}

fn actix(args: TokenStream, item: &TokenStream) -> File {
    expand(&ACTIX, args, item)
}

fn function(args: TokenStream, item: &TokenStream) -> File {
    expand(&FUNCTION, args, item)
}

fn expand(flavour: &Flavour, args: TokenStream, item: &TokenStream) -> File {
    let tokens = crate::expand::attribute(flavour, args, item);
    match syn::parse2(tokens.clone()) {
        Ok(file) => file,
        Err(error) => panic!("{error} in {tokens}"),
    }
}

fn is_mistake(item: &Item) -> bool {
    matches!(item, Item::Macro(call) if call.mac.path.segments.iter().any(|s| s.ident == "compile_error"))
}
