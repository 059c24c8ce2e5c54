//! How a guarded handler finds its `Idempotency`: through the router's state.

use axum::extract::FromRef;
use idem_core::Idempotency;

/// A router's state that an [`Idempotency`] can be taken from.
///
/// Implemented for every state `S` with `Idempotency: FromRef<S>`: for `Idempotency` itself, and for an
/// application's state that has one as a field and says so.
#[diagnostic::on_unimplemented(
    message = "the router's state `{Self}` has no `Idempotency` for its idempotent handlers",
    label = "an idempotent handler needs an `Idempotency` in the router's state",
    note = "add a field `idempotency: Idempotency` to `{Self}`, and `#[derive(FromRef)]` or `impl FromRef<{Self}> for Idempotency`; or make an `Idempotency` the state itself"
)]
pub trait ProvidesIdempotency {
    /// The handle.
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
