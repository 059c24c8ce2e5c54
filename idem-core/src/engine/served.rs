//! The result that a handler returns to the engine, and the result that the engine returns to the caller.

use crate::model::{Completion, Outcome, StoredResponse};

/// The result of a handler: the reply for the caller of this run, and the completion to store.
#[derive(Debug)]
pub struct Executed<T> {
    /// The reply for the caller of this run.
    pub reply: T,
    /// Whether the run had an effect.
    pub outcome: Outcome,
    /// The completion for later callers. It is stored unless the outcome frees the key.
    pub completion: Completion,
}

/// The successful result of a guarded call.
#[derive(Debug)]
pub enum Served<T> {
    /// The reply of the handler, which ran.
    Executed(T),
    /// The stored response of an earlier run.
    Replayed(StoredResponse),
}
