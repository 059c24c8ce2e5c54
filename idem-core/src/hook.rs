//! The value of the attribute's `recover` expression.

use crate::model::Recovery;

/// The output of a `recover` expression. `R` is the response of an HTTP handler, or the `Ok` value of a plain function.
///
/// `R` is a parameter, because rustc reports a value of another type once for each mention of an associated type.
#[diagnostic::on_unimplemented(
    message = "`recover` must yield a `Recovery`; found `{Self}`",
    label = "not a `Recovery`",
    note = "return `Recovery::Happened(…)`, `NotHappened`, `Inconclusive` or `Disputed(…)` from the hook"
)]
pub trait IsRecovery<R> {
    /// Returns the recovery itself.
    fn into_recovery(self) -> Recovery<R>;
}

impl<R> IsRecovery<R> for Recovery<R> {
    fn into_recovery(self) -> Self {
        self
    }
}

/// Returns what a `recover` expression yielded. The attribute's expansion uses it.
pub fn recovery<R>(found: impl IsRecovery<R>) -> Recovery<R> {
    found.into_recovery()
}
