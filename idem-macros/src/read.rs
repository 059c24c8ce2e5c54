//! From the keys as they were written to the plan.

use crate::args::Args;
use crate::check;
use crate::duration::Length;
use crate::expand::Flavour;
use crate::expression::{Expression, Fingerprint, Scope};
use crate::handle;
use crate::plan::{Guarantee, Plan, Source};
use crate::report::Report;
use crate::signature::Handler;
use crate::symbol::Symbol;
use syn::{LitInt, LitStr};

/// Reads every key before it gives up, so that no mistake hides another.
pub(crate) fn plan(
    args: &Args,
    handler: &Handler,
    flavour: &Flavour,
    report: &mut Report,
) -> Option<Plan> {
    check::required(args, flavour.required, report);
    let times = Times::read(args, report);
    let (guarantee, max_attempts) = attempts(args, report);
    let scope = read(args, Symbol::Scope, report, |text| Scope::parse(text, handler));
    let source = source(args, handler, report);
    let fingerprint =
        read(args, Symbol::Fingerprint, report, |text| Fingerprint::parse(text, handler, flavour));
    let handle = (!flavour.answers_http).then(|| {
        check::shared_names_need_an_operation(args, handler, report);
        handle::find(args, handler, report)
    });
    Some(Plan {
        ttl: times.ttl?,
        scope: scope?,
        guarantee,
        source,
        fingerprint: fingerprint.unwrap_or(Fingerprint::Default),
        operation: args.text(Symbol::Operation).cloned(),
        wait: times.wait,
        lease: times.lease,
        max_run: times.max_run,
        max_attempts,
        handle: handle.flatten(),
    })
}

struct Times {
    ttl: Option<Length>,
    wait: Option<Length>,
    lease: Option<Length>,
    max_run: Option<Length>,
}

impl Times {
    fn read(args: &Args, report: &mut Report) -> Self {
        let times = Self {
            ttl: read(args, Symbol::Ttl, report, Length::parse),
            wait: read(args, Symbol::Wait, report, Length::parse),
            lease: read(args, Symbol::Lease, report, Length::parse),
            max_run: read(args, Symbol::MaxRun, report, Length::parse),
        };
        let lease = times.lease.as_ref();
        check::lease_can_be_renewed(lease, report);
        check::ttl_covers_lease(times.ttl.as_ref(), lease, report);
        check::max_run_covers_lease(times.max_run.as_ref(), lease, report);
        times
    }
}

fn attempts(args: &Args, report: &mut Report) -> (Guarantee, Option<u32>) {
    let guarantee = read(args, Symbol::Guarantee, report, guarantee);
    let number = args.number(Symbol::MaxAttempts);
    let attempts = number.and_then(|number| report.keep(max_attempts(number)));
    check::attempts_need_at_least_once(args, guarantee, report);
    (guarantee.unwrap_or(Guarantee::AtMostOnce), attempts)
}

fn source(args: &Args, handler: &Handler, report: &mut Report) -> Source {
    let strict = read(args, Symbol::Syntax, report, strict);
    let key =
        read(args, Symbol::Key, report, |text| Expression::parse(text, handler, Symbol::Key, None));
    check::header_keys_need_a_header(args, report);
    let header = Source::Header {
        optional: args.name(Symbol::Optional).is_some(),
        strict: strict.unwrap_or(false),
    };
    key.map_or(header, Source::Argument)
}

fn read<T>(
    args: &Args,
    key: Symbol,
    report: &mut Report,
    parse: impl FnOnce(&LitStr) -> syn::Result<T>,
) -> Option<T> {
    args.text(key).and_then(|text| report.keep(parse(text)))
}

fn guarantee(text: &LitStr) -> syn::Result<Guarantee> {
    match text.value().as_str() {
        "at-most-once" => Ok(Guarantee::AtMostOnce),
        "at-least-once" => Ok(Guarantee::AtLeastOnce),
        "exactly-once" => Err(syn::Error::new_spanned(
            text,
            "`exactly-once` comes from a handler that takes a transaction (`Tx`), not from this \
             key; write `at-most-once` or `at-least-once`",
        )),
        other => Err(syn::Error::new_spanned(
            text,
            format!("`{other}` is not a guarantee; write `at-most-once` or `at-least-once`"),
        )),
    }
}

fn strict(text: &LitStr) -> syn::Result<bool> {
    match text.value().as_str() {
        "strict" => Ok(true),
        "lenient" => Ok(false),
        other => Err(syn::Error::new_spanned(
            text,
            format!("`{other}` is not a syntax of the key; write `strict` or `lenient`"),
        )),
    }
}

fn max_attempts(number: &LitInt) -> syn::Result<u32> {
    match number.base10_parse() {
        Ok(0) => Err(syn::Error::new_spanned(
            number,
            "no attempt at all would never run; write `max_attempts = 1` or more",
        )),
        Ok(attempts) => Ok(attempts),
        Err(_) => Err(syn::Error::new_spanned(
            number,
            format!("`{number}` is not a number of attempts; write one from 1 to {}", u32::MAX),
        )),
    }
}
