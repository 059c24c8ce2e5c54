//! The SQL statements: their texts, their arguments and the rows that they return. No I/O happens here.

pub(crate) mod audit;
mod batchable;
mod claim;
mod complete;
pub(crate) mod found;
mod names;
mod renew;
mod resolve;
pub(crate) mod row;
mod statements;
mod values;

pub(crate) use batchable::Batchable;
pub(crate) use claim::ClaimCall;
pub(crate) use complete::{CompleteCall, unapplied_update};
pub(crate) use names::Names;
pub(crate) use renew::RenewCall;
pub(crate) use resolve::ResolveCall;
pub(crate) use statements::Statements;
pub(crate) use values::Query;
pub(crate) use values::{bind_claim, interval, lock_key};
