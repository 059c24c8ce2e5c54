//! From the model to tokens. Quotes only: every rule was checked before.

mod actix;
mod axum;
mod function;
mod parts;

pub(crate) use actix::ACTIX;
pub(crate) use axum::AXUM;
pub(crate) use function::FUNCTION;

use crate::args::Args;
use crate::fallback;
use crate::plan::Plan;
use crate::read;
use crate::report::Report;
use crate::signature::Handler;
use crate::symbol::Symbol;
use proc_macro2::TokenStream;

/// What differs between the frameworks.
pub(crate) struct Flavour {
    /// The keys that mean something here.
    pub(crate) keys: &'static [Symbol],
    /// The keys that must be written.
    pub(crate) required: &'static [Symbol],
    /// The framework's own attributes that turn a function into a route, and leave none behind.
    pub(crate) route_macros: &'static [&'static str],
    /// How many parameters the framework extracts.
    pub(crate) max_parameters: usize,
    /// What the function may look like.
    pub(crate) signature: fn(&Handler, &Flavour, &mut Report),
    /// Whether it answers HTTP requests. If not, the function is handed its `Idempotency` by its caller.
    pub(crate) answers_http: bool,
    /// Writes the function that guards the user's.
    pub(crate) expand: fn(&Handler, &Plan) -> TokenStream,
}

/// The keys of the flavours whose handlers answer HTTP requests.
const HTTP_KEYS: &[Symbol] = &[
    Symbol::Ttl,
    Symbol::Scope,
    Symbol::Operation,
    Symbol::Key,
    Symbol::Optional,
    Symbol::Guarantee,
    Symbol::Wait,
    Symbol::Lease,
    Symbol::MaxRun,
    Symbol::MaxAttempts,
    Symbol::Fingerprint,
    Symbol::Syntax,
];
const HTTP_REQUIRED: &[Symbol] = &[Symbol::Ttl, Symbol::Scope];

/// The keys of plain functions.
const FUNCTION_KEYS: &[Symbol] = &[
    Symbol::Ttl,
    Symbol::Scope,
    Symbol::Operation,
    Symbol::Key,
    Symbol::Guarantee,
    Symbol::Wait,
    Symbol::Lease,
    Symbol::MaxRun,
    Symbol::MaxAttempts,
    Symbol::Fingerprint,
    Symbol::Idempotency,
];
const FUNCTION_REQUIRED: &[Symbol] = &[Symbol::Ttl, Symbol::Scope, Symbol::Key, Symbol::Guarantee];

/// The whole attribute: parse, check, expand; or the mistakes and the item as it was.
pub(crate) fn attribute(flavour: &Flavour, args: TokenStream, item: &TokenStream) -> TokenStream {
    let handler: Handler = match syn::parse2(item.clone()) {
        Ok(handler) => handler,
        Err(mistake) => return fallback::item(&mistake, item),
    };
    let mut report = Report::default();
    let args = Args::parse(args, flavour.keys, &mut report);
    let plan = read::plan(&args, &handler, flavour, &mut report);
    (flavour.signature)(&handler, flavour, &mut report);
    match (report.finish(), plan) {
        (Ok(()), Some(plan)) => (flavour.expand)(&handler, &plan),
        (Err(mistakes), _) => fallback::function(&mistakes, &handler),
        (Ok(()), None) => unreachable!("a plan is missing only where a mistake was reported"),
    }
}
