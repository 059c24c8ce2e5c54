//! The report of a `recover` hook.

/// What a `recover` hook found out about a lost run.
///
/// `R` is the response of an HTTP handler, or the `Ok` value of a plain function. The rules are those of
/// [recovery](crate::rules::semantics#recovery).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Recovery<R> {
    /// The run had its effect. This response is stored, whatever its status is, and replayed from now on.
    Happened(R),
    /// The run had no effect. The handler runs again under the same key, if the lost run has been silent for
    /// [`settle`](crate::Policy::settle). Until then the outcome stays unknown.
    NotHappened,
    /// The outcome could not be determined. A later request runs the hook again.
    Inconclusive,
    /// The data of the provider contradict the request, for example by another amount. No later request runs the hook again,
    /// and a person must resolve the record. The text, of which up to 256 bytes are stored, is for that person.
    Disputed(String),
}

impl<R> Recovery<R> {
    /// Applies `convert` to the response that was found.
    pub fn map<T>(self, convert: impl FnOnce(R) -> T) -> Recovery<T> {
        match self {
            Self::Happened(response) => Recovery::Happened(convert(response)),
            Self::NotHappened => Recovery::NotHappened,
            Self::Inconclusive => Recovery::Inconclusive,
            Self::Disputed(text) => Recovery::Disputed(text),
        }
    }

    /// Applies the async function `convert` to the response that was found.
    ///
    /// Cancel safe if the future of `convert` is.
    pub async fn then<T, F: Future<Output = T>>(self, convert: impl FnOnce(R) -> F) -> Recovery<T> {
        match self {
            Self::Happened(response) => Recovery::Happened(convert(response).await),
            Self::NotHappened => Recovery::NotHappened,
            Self::Inconclusive => Recovery::Inconclusive,
            Self::Disputed(text) => Recovery::Disputed(text),
        }
    }
}
