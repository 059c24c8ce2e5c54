//! Access to the `Idempotency` of a guarded handler, through the router's state.

use axum::extract::FromRef;
use idem_core::Idempotency;

/// A router state that contains an [`Idempotency`].
///
/// Implemented for every state `S` with `Idempotency: FromRef<S>`. These are `Idempotency` itself, and states with
/// an `Idempotency` field and `#[derive(FromRef)]`.
#[diagnostic::on_unimplemented(
    message = "the router's state `{Self}` has no `Idempotency` for its idempotent handlers",
    label = "an idempotent handler needs an `Idempotency` in the router's state",
    note = "write a state with a field `idempotency: Idempotency` and `#[derive(Clone, FromRef)]` (axum's feature `macros`), or use an `Idempotency` as the state"
)]
pub trait ProvidesIdempotency {
    /// Returns a clone of the `Idempotency`.
    fn idempotency(&self) -> Idempotency;
}

#[diagnostic::do_not_recommend]
impl<S> ProvidesIdempotency for S
where
    Idempotency: FromRef<S>,
{
    fn idempotency(&self) -> Idempotency {
        Idempotency::from_ref(self)
    }
}
