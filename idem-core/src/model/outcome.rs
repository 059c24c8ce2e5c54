//! Whether a run had side effects.

/// The classification of a run by its effect.
///
/// Over HTTP, the status of the response decides, see [`Outcome::of_status`]. A handler can declare its outcome
/// instead, by inserting an `Outcome` into the extensions of its response. A plain function's error type decides
/// through [`Failure::outcome`](crate::function::Failure::outcome). The rule is
/// [outcome of a response](crate::rules::semantics#outcome-of-a-response).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The response is stored and replayed.
    Final,
    /// The run ended before it had any effect. The key is freed, and a retry runs the handler again.
    ///
    /// idem cannot check this. Once a handler may have had an effect, it must report a failed downstream call as
    /// 502 or 504, or declare another outcome.
    NotExecuted,
    /// The run failed and may have had an effect. Over HTTP, at most once stores and replays the response; at
    /// least once frees the key.
    Ambiguous,
}

impl Outcome {
    /// Returns the outcome of an HTTP status.
    ///
    /// | Status | Outcome |
    /// |---|---|
    /// | 401, 403, 407, 408, 421, 425, 429, 503 | [`NotExecuted`](Self::NotExecuted) |
    /// | every other 5xx | [`Ambiguous`](Self::Ambiguous) |
    /// | every other status | [`Final`](Self::Final) |
    pub const fn of_status(status: u16) -> Self {
        match status {
            401 | 403 | 407 | 408 | 421 | 425 | 429 | 503 => Self::NotExecuted,
            500..=599 => Self::Ambiguous,
            _ => Self::Final,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_the_documented_outcome() {
        let freed = [401, 403, 407, 408, 421, 425, 429, 503];
        for status in 100..600 {
            let expected = match status {
                _ if freed.contains(&status) => Outcome::NotExecuted,
                500.. => Outcome::Ambiguous,
                _ => Outcome::Final,
            };
            assert_eq!(Outcome::of_status(status), expected, "{status}");
        }
    }
}
