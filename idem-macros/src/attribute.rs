//! The attribute after parsing: one field for each setting.

use crate::parse::duration::DurationLit;
use crate::parse::expression::{Expression, Fingerprint, Scope};
use syn::{Expr, Ident, LitInt, LitStr, Path};

/// The arguments of one `#[idempotent(…)]`, parsed and checked. `None` means that an argument was not
/// written.
pub(crate) struct Attribute {
    /// The crate that the expansion names: the value of `crate`, or the target's own.
    pub(crate) krate: Path,
    /// The constant that has the settings that are not written.
    pub(crate) policy: Option<Path>,
    /// Written, unless there is a `policy`.
    pub(crate) ttl: Option<DurationLit>,
    pub(crate) hold: Option<DurationLit>,
    pub(crate) scope: Scope,
    pub(crate) guarantee: Option<Guarantee>,
    pub(crate) key: KeySource,
    pub(crate) format: Option<KeyFormat>,
    pub(crate) max_age: Option<DurationLit>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) operation: Option<LitStr>,
    /// The expression that yields the future of a `Recovery`.
    pub(crate) recover: Option<Expression>,
    pub(crate) settle: Option<DurationLit>,
    pub(crate) label: Option<Expression>,
    pub(crate) wait: Option<DurationLit>,
    pub(crate) lease: Option<DurationLit>,
    pub(crate) max_run: Option<DurationLit>,
    pub(crate) max_attempts: Option<LitInt>,
    /// The parameter with the transaction. Plain functions only.
    pub(crate) transaction: Option<Ident>,
    /// The expression that yields the `Idempotency`. Plain functions only.
    pub(crate) handle: Option<Expr>,
}

/// The value of `guarantee`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarantee {
    AtMostOnce,
    AtLeastOnce,
}

/// The value of `format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyFormat {
    Uuid,
    UuidV7,
}

/// The source of the idempotency key.
pub(crate) enum KeySource {
    /// The request's header.
    Header { optional: bool, strict: Option<bool> },
    /// The expression of the argument `key`.
    Argument(Expression),
}

impl Attribute {
    /// The names that occur in the expressions over the parameters.
    pub(crate) fn mentions(&self) -> Vec<&String> {
        let scope = match &self.scope {
            Scope::Global => &[],
            Scope::Parts(parts) => &parts[..],
        };
        let key = match &self.key {
            KeySource::Header { .. } => None,
            KeySource::Argument(key) => Some(key),
        };
        let fingerprint = match &self.fingerprint {
            Fingerprint::Default | Fingerprint::Raw => None,
            Fingerprint::Of(input) => Some(input),
        };
        let others = self.recover.iter().chain(&self.label);
        let expressions = scope.iter().chain(key).chain(fingerprint).chain(others);
        expressions.flat_map(|expression| &expression.mentions).collect()
    }
}
