//! How a run ended, as far as its effect is concerned (R21).

/// What a handler's answer says about its effect.
///
/// The status decides, as [`Outcome::of_status`] lists, unless the handler says so itself: it puts an
/// `Outcome` among the extensions of its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The answer stands: it is stored and replayed.
    Final,
    /// The handler refused before it did anything: the key is freed, and a retry runs. Nobody can check
    /// that: where it may have acted, a failed call downstream is a 502 or 504, or is declared otherwise.
    NotExecuted,
    /// It failed, and may have had an effect. At most once stores and replays it, at least once frees
    /// the key.
    Ambiguous,
}

impl Outcome {
    /// What an HTTP status says (R21): 401, 403, 407, 408, 421, 425, 429 and 503 mean "refused before
    /// acting", every other 5xx is ambiguous, and all the rest is final.
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
    fn statuses_are_classified_as_r21_lists_them() {
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
