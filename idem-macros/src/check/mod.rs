//! The rules for the annotated function and for combinations of arguments, one function for each rule.

pub(crate) mod args;
pub(crate) mod durations;
pub(crate) mod import;
pub(crate) mod signature;
pub(crate) mod transaction;
