//! The value of the attribute's `recover` expression.

use std::future::Future;

use crate::model::Recovery;

/// The output of a `recover` expression.
#[diagnostic::on_unimplemented(
    message = "`recover` must yield a `Recovery`; found `{Self}`",
    label = "not a `Recovery`",
    note = "return `Recovery::Happened(…)`, `NotHappened`, `Inconclusive` or `Disputed(…)` from the hook"
)]
pub trait IsRecovery {
    /// The response of an HTTP handler, or the `Ok` value of a plain function.
    type Result;

    /// Returns the recovery itself.
    fn into_recovery(self) -> Recovery<Self::Result>;
}

impl<R> IsRecovery for Recovery<R> {
    type Result = R;

    fn into_recovery(self) -> Self {
        self
    }
}

/// Awaits a `recover` expression. The attribute's expansion uses it.
pub async fn recovery<F>(hook: F) -> Recovery<<F::Output as IsRecovery>::Result>
where
    F: Future<Output: IsRecovery>,
{
    hook.await.into_recovery()
}
