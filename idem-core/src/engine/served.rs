//! The result that a handler returns to the engine, and the result that the engine returns to the caller.

use crate::model::{Completion, Outcome, StoredResponse};

/// The result of a handler: the reply for the caller of this run, and the completion to store.
#[derive(Debug)]
#[non_exhaustive]
pub struct Executed<T> {
    /// The reply for the caller of this run.
    pub reply: T,
    /// Whether the run had an effect.
    pub outcome: Outcome,
    /// The completion for later callers. It is stored unless the outcome frees the key.
    pub completion: Completion,
}

impl<T> Executed<T> {
    /// A result with this reply and outcome, and the completion that is stored.
    pub const fn new(reply: T, outcome: Outcome, completion: Completion) -> Self {
        Self { reply, outcome, completion }
    }
}

/// The successful result of a guarded call.
#[derive(Debug)]
pub enum Served<T> {
    /// The reply of the handler, which ran.
    Executed(T),
    /// The stored response of an earlier run.
    Replayed(StoredResponse),
}
