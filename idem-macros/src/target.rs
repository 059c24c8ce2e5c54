//! The kinds of functions that the attribute expands for.

use crate::arg_name::ArgName;

/// The kind of function that is annotated. The user selects it by the crate that `idempotent` is imported
/// from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// An axum handler.
    Axum,
    /// An actix-web handler.
    Actix,
    /// A plain async function.
    Function,
}

impl Target {
    /// Whether the function handles HTTP requests. A plain function gets its `Idempotency` from its caller.
    pub(crate) fn is_http(self) -> bool {
        match self {
            Self::Axum | Self::Actix => true,
            Self::Function => false,
        }
    }

    /// The arguments that the attribute accepts.
    pub(crate) fn arg_names(self) -> &'static [ArgName] {
        if self.is_http() { HTTP } else { FUNCTION }
    }

    /// The arguments that have no default, except in a `policy`.
    pub(crate) fn required(self) -> &'static [ArgName] {
        if self.is_http() { HTTP_REQUIRED } else { FUNCTION_REQUIRED }
    }

    /// The crate that the expansion names, unless the attribute has `crate`.
    pub(crate) fn krate(self) -> &'static str {
        match self {
            Self::Axum => "idem_axum",
            Self::Actix => "idem_actix",
            Self::Function => "idem_core",
        }
    }

    /// The route attributes of the framework that replace the function by another item.
    pub(crate) fn route_macros(self) -> &'static [&'static str] {
        match self {
            Self::Actix => ACTIX_ROUTE_MACROS,
            Self::Axum | Self::Function => &[],
        }
    }
}

const HTTP: &[ArgName] = &[
    ArgName::Policy,
    ArgName::Ttl,
    ArgName::Hold,
    ArgName::Scope,
    ArgName::Operation,
    ArgName::Key,
    ArgName::Optional,
    ArgName::Guarantee,
    ArgName::Recover,
    ArgName::Settle,
    ArgName::Wait,
    ArgName::Lease,
    ArgName::MaxRun,
    ArgName::MaxAttempts,
    ArgName::Fingerprint,
    ArgName::Syntax,
    ArgName::Format,
    ArgName::MaxAge,
    ArgName::Label,
    ArgName::Crate,
];

const HTTP_REQUIRED: &[ArgName] = &[ArgName::Ttl, ArgName::Scope];

const FUNCTION: &[ArgName] = &[
    ArgName::Policy,
    ArgName::Ttl,
    ArgName::Hold,
    ArgName::Scope,
    ArgName::Operation,
    ArgName::Key,
    ArgName::Guarantee,
    ArgName::Recover,
    ArgName::Settle,
    ArgName::Wait,
    ArgName::Lease,
    ArgName::MaxRun,
    ArgName::MaxAttempts,
    ArgName::Fingerprint,
    ArgName::Label,
    ArgName::Idempotency,
    ArgName::Crate,
];

const FUNCTION_REQUIRED: &[ArgName] =
    &[ArgName::Ttl, ArgName::Scope, ArgName::Key, ArgName::Guarantee];

const ACTIX_ROUTE_MACROS: &[&str] = &[
    "connect", "delete", "get", "head", "options", "patch", "post", "put", "route", "routes",
    "trace",
];
