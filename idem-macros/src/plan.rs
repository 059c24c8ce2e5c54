//! What the annotation says: the model between reading and expansion.

use crate::duration::Length;
use crate::expression::{Expression, Fingerprint, Scope};
use syn::{Expr, LitStr};

pub(crate) struct Plan {
    pub(crate) ttl: Length,
    pub(crate) scope: Scope,
    pub(crate) guarantee: Guarantee,
    pub(crate) source: Source,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) operation: Option<LitStr>,
    pub(crate) wait: Option<Length>,
    pub(crate) lease: Option<Length>,
    pub(crate) max_run: Option<Length>,
    pub(crate) max_attempts: Option<u32>,
    /// What a function is handed its `Idempotency` by.
    pub(crate) handle: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarantee {
    AtMostOnce,
    AtLeastOnce,
}

/// Where the key comes from.
pub(crate) enum Source {
    Header { optional: bool, strict: bool },
    Argument(Expression),
}

impl Plan {
    /// Every name that an expression of the attribute mentions.
    pub(crate) fn mentions(&self) -> Vec<&String> {
        let scope = match &self.scope {
            Scope::Global => &[],
            Scope::Parts(parts) => &parts[..],
        };
        let key = match &self.source {
            Source::Header { .. } => None,
            Source::Argument(key) => Some(key),
        };
        let fingerprint = match &self.fingerprint {
            Fingerprint::Default | Fingerprint::Raw => None,
            Fingerprint::Of(material) => Some(material),
        };
        let expressions = scope.iter().chain(key).chain(fingerprint);
        expressions.flat_map(|expression| &expression.mentions).collect()
    }
}
