//! The keys of the attribute: their spelling, their kind and an example of each, once.

/// A key of the attribute, as in `ttl = "24h"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    Ttl,
    Scope,
    Operation,
    Key,
    Optional,
    Guarantee,
    Wait,
    Lease,
    MaxRun,
    MaxAttempts,
    Fingerprint,
    Syntax,
    Idempotency,
}

/// What may stand behind a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Word,
}

impl Symbol {
    pub(crate) fn name(self) -> &'static str {
        self.row().0
    }

    pub(crate) fn kind(self) -> Kind {
        self.row().1
    }

    /// The key as a user would write it.
    pub(crate) fn example(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (&'static str, Kind, &'static str) {
        match self {
            Symbol::Ttl => ("ttl", Kind::Text, r#"ttl = "24h""#),
            Symbol::Scope => ("scope", Kind::Text, r#"scope = "tenant""#),
            Symbol::Operation => ("operation", Kind::Text, r#"operation = "payments.create""#),
            Symbol::Key => ("key", Kind::Text, r#"key = "event.id""#),
            Symbol::Optional => ("optional", Kind::Word, "optional"),
            Symbol::Guarantee => ("guarantee", Kind::Text, r#"guarantee = "at-most-once""#),
            Symbol::Wait => ("wait", Kind::Text, r#"wait = "3s""#),
            Symbol::Lease => ("lease", Kind::Text, r#"lease = "30s""#),
            Symbol::MaxRun => ("max_run", Kind::Text, r#"max_run = "15m""#),
            Symbol::MaxAttempts => ("max_attempts", Kind::Number, "max_attempts = 3"),
            Symbol::Fingerprint => ("fingerprint", Kind::Text, r#"fingerprint = "payment""#),
            Symbol::Syntax => ("syntax", Kind::Text, r#"syntax = "strict""#),
            Symbol::Idempotency => {
                ("idempotency", Kind::Text, r#"idempotency = "ctx.idempotency""#)
            }
        }
    }
}

/// A value that stands for the whole world: one scope for every caller.
pub(crate) const GLOBAL: &str = "global";
/// The fingerprint of the body's bytes as they came.
pub(crate) const RAW: &str = "raw";
/// The type of the handle that a guarded function takes.
pub(crate) const HANDLE: &str = "Idempotency";
/// The attribute's own name, as the adapters export it.
pub(crate) const ATTRIBUTE: &str = "idempotent";
