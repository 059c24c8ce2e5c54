//! Access to the `Idempotency` of a guarded handler, through the router's state.

use std::sync::Arc;

use axum::extract::FromRef;
use idem_core::Idempotency;

/// The place `P` of [`ProvidesIdempotency`]: the state itself, or a field of it.
pub enum InState {}

/// The place `P` of [`ProvidesIdempotency`]: a field of the value that the state, an `Arc`, points to.
pub enum InArc {}

/// A router state that contains an [`Idempotency`].
///
/// Implemented for every state `S` with `Idempotency: FromRef<S>`, and for `Arc<S>`. These are `Idempotency` itself, and
/// states with an `Idempotency` field and `#[derive(FromRef)]`. `P` is the place where it is found. rustc infers it, and it
/// is a parameter because an application cannot implement axum's `FromRef` for an `Arc`.
#[diagnostic::on_unimplemented(
    message = "the router's state `{Self}` has no `Idempotency` for its idempotent handlers",
    label = "an idempotent handler needs an `Idempotency` in the router's state",
    note = "write a state with a field `idempotency: Idempotency` and `#[derive(Clone, FromRef)]` (axum's feature `macros`), and pass it, or an `Arc` of it, to `.with_state(…)`; an `Idempotency` alone can be the state too",
    note = "if the state is `()`, `.with_state(…)` is missing, or the type of the router names no state"
)]
pub trait ProvidesIdempotency<P>: Send + Sync + 'static {
    /// Returns a clone of the `Idempotency`.
    fn idempotency(&self) -> Idempotency;
}

#[diagnostic::do_not_recommend]
impl<S> ProvidesIdempotency<InState> for S
where
    S: Send + Sync + 'static,
    Idempotency: FromRef<S>,
{
    fn idempotency(&self) -> Idempotency {
        Idempotency::from_ref(self)
    }
}

#[diagnostic::do_not_recommend]
impl<S> ProvidesIdempotency<InArc> for Arc<S>
where
    S: Send + Sync + 'static,
    Idempotency: FromRef<S>,
{
    fn idempotency(&self) -> Idempotency {
        Idempotency::from_ref(self)
    }
}
