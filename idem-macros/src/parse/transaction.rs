//! The parameters through which a function gets a transaction.

use super::bindings;
use super::handler::Handler;
use proc_macro2::Ident;
use syn::{PatType, Type};

/// The type name of a transaction, in every crate that has one.
const TRANSACTION_TYPE: &str = "Tx";

/// Returns the parameters of type `Tx`, under any path, and those that borrow one. An extractor of another type that
/// extracts a `Tx` in turn is not seen.
pub(crate) fn parameters(handler: &Handler) -> impl Iterator<Item = &PatType> {
    handler.parameters().filter(|parameter| is_transaction(&parameter.ty))
}

/// Returns the name of the first of these parameters.
pub(crate) fn name(handler: &Handler) -> Option<Ident> {
    bindings::names(&parameters(handler).next()?.pat).into_iter().next()
}

fn is_transaction(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| last.ident == TRANSACTION_TYPE)
        }
        Type::Reference(reference) => is_transaction(&reference.elem),
        Type::Paren(paren) => is_transaction(&paren.elem),
        Type::Group(group) => is_transaction(&group.elem),
        _ => false,
    }
}
