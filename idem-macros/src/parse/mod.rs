//! Parsers for the attribute's arguments and for the annotated function.

pub(crate) mod args;
pub(crate) mod bindings;
pub(crate) mod duration;
pub(crate) mod expression;
pub(crate) mod handle_param;
pub(crate) mod handler;
pub(crate) mod suggest;
pub(crate) mod transaction;
