//! Code generation. The attribute and the function have been checked, so nothing here can fail.

mod actix;
mod axum;
mod function;
pub(crate) mod parts;
mod policy;

use crate::attribute::Attribute;
use crate::parse::handler::Handler;
use crate::target::Target;
use proc_macro2::TokenStream;

/// Returns the guarded function.
pub(crate) fn expand(target: Target, handler: &Handler, attribute: &Attribute) -> TokenStream {
    match target {
        Target::Axum => axum::expand(handler, attribute),
        Target::Actix => actix::expand(handler, attribute),
        Target::Function => function::expand(handler, attribute),
    }
}
