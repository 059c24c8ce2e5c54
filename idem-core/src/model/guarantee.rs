//! The promise of a guarded handler.

/// The promise for crashes and ambiguous failures. [Three guarantees](crate::rules::guarantees#three-guarantees)
/// compares them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Guarantee {
    /// At most one run starts per key.
    ///
    /// After a crash the outcome is unknown and the key is held. An ambiguous failure (a panic, a 5xx except
    /// 503) is stored and replayed.
    AtMostOnce,
    /// Requests run the handler until one result is accepted.
    ///
    /// After a crash the next request takes over, up to [`Policy::max_attempts`](crate::Policy::max_attempts) runs. An ambiguous failure frees
    /// the key.
    AtLeastOnce,
}

impl Guarantee {
    /// The name in the attribute and in tools.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtMostOnce => "at-most-once",
            Self::AtLeastOnce => "at-least-once",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Guarantee;

    #[test]
    fn names_are_those_of_the_attribute() {
        assert_eq!(Guarantee::AtMostOnce.name(), "at-most-once");
        assert_eq!(Guarantee::AtLeastOnce.name(), "at-least-once");
    }
}
