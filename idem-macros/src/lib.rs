#![doc = include_str!("../README.md")]

mod args;
mod bindings;
mod check;
mod duration;
mod expand;
mod expression;
mod fallback;
mod handle;
mod plan;
mod read;
mod report;
mod signature;
mod suggest;
mod symbol;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// `#[idempotent]` for axum handlers.
/// Documented at `idem_axum::idempotent`.
#[proc_macro_attribute]
pub fn idempotent_axum(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(&expand::AXUM, args.into(), &item.into()).into()
}

/// `#[idempotent]` for actix-web handlers.
/// Documented at `idem_actix::idempotent`.
#[proc_macro_attribute]
pub fn idempotent_actix(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(&expand::ACTIX, args.into(), &item.into()).into()
}

/// `#[idempotent]` for plain async functions.
/// Documented at `idem_core::idempotent`.
#[proc_macro_attribute]
pub fn idempotent_function(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(&expand::FUNCTION, args.into(), &item.into()).into()
}
