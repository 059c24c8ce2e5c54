//! The names of the attribute's arguments, with the kind of value and an example for each.

/// The name of an argument of the attribute, such as `ttl` in `ttl = "24h"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArgName {
    Policy,
    Ttl,
    Hold,
    Scope,
    Operation,
    Key,
    Optional,
    Guarantee,
    Recover,
    Settle,
    Wait,
    Lease,
    MaxRun,
    MaxAttempts,
    Fingerprint,
    Syntax,
    Format,
    MaxAge,
    Label,
    Idempotency,
    Crate,
}

/// The kind of value that an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueKind {
    /// A string literal.
    Text,
    /// An integer literal.
    Number,
    /// No value: the name alone.
    Flag,
}

impl ArgName {
    /// The name as it is written in the attribute.
    pub(crate) fn name(self) -> &'static str {
        self.row().0
    }

    /// The kind of value that the argument takes.
    pub(crate) fn kind(self) -> ValueKind {
        self.row().1
    }

    /// The argument with an example value, for messages.
    pub(crate) fn example(self) -> &'static str {
        self.row().2
    }

    /// Whether the value is a duration.
    pub(crate) fn is_duration(self) -> bool {
        use ArgName::{Hold, Lease, MaxAge, MaxRun, Settle, Ttl, Wait};
        matches!(self, Ttl | Hold | Settle | Wait | Lease | MaxRun | MaxAge)
    }

    fn row(self) -> (&'static str, ValueKind, &'static str) {
        use ValueKind::{Flag, Number, Text};
        match self {
            Self::Policy => ("policy", Text, r#"policy = "crate::PAYMENTS""#),
            Self::Ttl => ("ttl", Text, r#"ttl = "24h""#),
            Self::Hold => ("hold", Text, r#"hold = "30d""#),
            Self::Scope => ("scope", Text, r#"scope = "tenant""#),
            Self::Operation => ("operation", Text, r#"operation = "payments.create""#),
            Self::Key => ("key", Text, r#"key = "event.id""#),
            Self::Optional => ("optional", Flag, "optional"),
            Self::Guarantee => ("guarantee", Text, r#"guarantee = "at-most-once""#),
            Self::Recover => ("recover", Text, r#"recover = "find_charge(app, payment)""#),
            Self::Settle => ("settle", Text, r#"settle = "30s""#),
            Self::Wait => ("wait", Text, r#"wait = "3s""#),
            Self::Lease => ("lease", Text, r#"lease = "30s""#),
            Self::MaxRun => ("max_run", Text, r#"max_run = "15m""#),
            Self::MaxAttempts => ("max_attempts", Number, "max_attempts = 3"),
            Self::Fingerprint => ("fingerprint", Text, r#"fingerprint = "payment""#),
            Self::Syntax => ("syntax", Text, r#"syntax = "strict""#),
            Self::Format => ("format", Text, r#"format = "uuid""#),
            Self::MaxAge => ("max_age", Text, r#"max_age = "24h""#),
            Self::Label => ("label", Text, r#"label = "payment.order_id""#),
            Self::Idempotency => ("idempotency", Text, r#"idempotency = "ctx.idempotency""#),
            Self::Crate => ("crate", Text, r#"crate = "my_prelude::idem_axum""#),
        }
    }
}

/// `scope = "global"`: all callers share one key space.
pub(crate) const GLOBAL: &str = "global";
/// `fingerprint = "raw"`: request bodies are compared byte by byte.
pub(crate) const RAW: &str = "raw";
/// The type name of the parameter through which a plain function gets its `Idempotency`.
pub(crate) const HANDLE_TYPE: &str = "Idempotency";
/// The name under which the attribute is re-exported.
pub(crate) const ATTRIBUTE: &str = "idempotent";
