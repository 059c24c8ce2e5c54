//! Turns the written arguments into an [`Attribute`].

use crate::arg_name::ArgName;
use crate::attribute::{Attribute, Guarantee, KeyFormat, KeySource};
use crate::check;
use crate::errors::Errors;
use crate::parse::args::Args;
use crate::parse::duration::DurationLit;
use crate::parse::expression::{Expression, Fingerprint, Scope};
use crate::parse::handle_param;
use crate::parse::handler::Handler;
use crate::parse::transaction;
use crate::target::Target;
use proc_macro2::Span;
use syn::{Expr, Ident, LitInt, LitStr, Path};

/// Parses and checks every argument, so that all mistakes are reported together. Returns `None` if `ttl`
/// or `scope` is missing or wrong. Other wrong arguments are reported, and count as not written.
pub(crate) fn attribute(
    args: &Args,
    handler: &Handler,
    target: Target,
    errors: &mut Errors,
) -> Option<Attribute> {
    let krate = args.text(ArgName::Crate).and_then(|text| errors.collect(path(text)));
    let policy = args.text(ArgName::Policy).and_then(|text| errors.collect(path(text)));
    check::args::required(args, handler, target, errors);
    let durations = Durations::resolve(args, errors);
    let (guarantee, max_attempts) = guarantee_and_attempts(args, errors);
    check::transaction::check(args, handler, target, guarantee, errors);
    let scope = parse(args, ArgName::Scope, errors, |text| Scope::parse(text, handler));
    let key = key_source(args, handler, errors);
    let format = parse(args, ArgName::Format, errors, key_format);
    check::args::max_age_needs_a_time(args, format, errors);
    let fingerprint =
        parse(args, ArgName::Fingerprint, errors, |text| Fingerprint::parse(text, handler, target));
    let recover = recover(args, handler, guarantee, errors);
    let label = parse(args, ArgName::Label, errors, |text| {
        Expression::parse(text, handler, ArgName::Label, None)
    });
    let handle = (!target.is_http()).then(|| {
        check::args::shared_names_need_an_operation(args, handler, errors);
        handle(args, handler, errors)
    });
    Some(Attribute {
        krate: krate.unwrap_or_else(|| default_crate(target)),
        ttl: if args.is_missing(ArgName::Policy) { Some(durations.ttl?) } else { durations.ttl },
        policy,
        hold: durations.hold,
        scope: scope?,
        guarantee,
        key,
        format,
        max_age: durations.max_age,
        fingerprint: fingerprint.unwrap_or(Fingerprint::Default),
        operation: args.text(ArgName::Operation).cloned(),
        recover,
        settle: durations.settle,
        label,
        wait: durations.wait,
        lease: durations.lease,
        max_run: durations.max_run,
        max_attempts,
        transaction: transaction::name(handler).filter(|_| !target.is_http()),
        handle: handle.flatten(),
    })
}

struct Durations {
    ttl: Option<DurationLit>,
    hold: Option<DurationLit>,
    settle: Option<DurationLit>,
    wait: Option<DurationLit>,
    lease: Option<DurationLit>,
    max_run: Option<DurationLit>,
    max_age: Option<DurationLit>,
}

impl Durations {
    fn resolve(args: &Args, errors: &mut Errors) -> Self {
        let durations = Self {
            ttl: parse(args, ArgName::Ttl, errors, DurationLit::parse),
            hold: parse(args, ArgName::Hold, errors, DurationLit::parse),
            settle: parse(args, ArgName::Settle, errors, DurationLit::parse_or_zero),
            wait: parse(args, ArgName::Wait, errors, DurationLit::parse),
            lease: parse(args, ArgName::Lease, errors, DurationLit::parse),
            max_run: parse(args, ArgName::MaxRun, errors, DurationLit::parse),
            max_age: parse(args, ArgName::MaxAge, errors, DurationLit::parse),
        };
        let (lease, ttl) = (durations.lease.as_ref(), durations.ttl.as_ref());
        check::durations::lease_can_be_renewed(lease, errors);
        check::durations::ttl_covers_lease(ttl, lease, errors);
        check::durations::ttl_covers_max_age(ttl, durations.max_age.as_ref(), errors);
        check::durations::hold_covers_ttl(durations.hold.as_ref(), ttl, errors);
        // The defaults are those of the policy, which are known to rustc alone.
        let has_defaults = args.is_missing(ArgName::Policy);
        if args.name(ArgName::Recover).is_some() && has_defaults {
            let (settle, hold) = (durations.settle.as_ref(), durations.hold.as_ref());
            check::durations::settle_ends_within_hold(settle, hold, ttl, errors);
        }
        if has_defaults || durations.max_run.is_some() && lease.is_some() {
            check::durations::max_run_covers_lease(durations.max_run.as_ref(), lease, errors);
        }
        durations
    }
}

fn guarantee_and_attempts(args: &Args, errors: &mut Errors) -> (Option<Guarantee>, Option<LitInt>) {
    let guarantee = parse(args, ArgName::Guarantee, errors, guarantee);
    let number = args.number(ArgName::MaxAttempts);
    let attempts = number.and_then(|number| errors.collect(max_attempts(number)));
    check::args::attempts_need_at_least_once(args, guarantee, errors);
    (guarantee, attempts)
}

fn recover(
    args: &Args,
    handler: &Handler,
    guarantee: Option<Guarantee>,
    errors: &mut Errors,
) -> Option<Expression> {
    check::args::recover_needs_an_unknown_outcome(args, handler, guarantee, errors);
    parse(args, ArgName::Recover, errors, |text| {
        Expression::parse(text, handler, ArgName::Recover, None)
    })
}

fn key_source(args: &Args, handler: &Handler, errors: &mut Errors) -> KeySource {
    let strict = parse(args, ArgName::Syntax, errors, is_strict);
    let key = parse(args, ArgName::Key, errors, |text| {
        Expression::parse(text, handler, ArgName::Key, None)
    });
    check::args::header_args_need_a_header(args, errors);
    let header = KeySource::Header { optional: args.name(ArgName::Optional).is_some(), strict };
    key.map_or(header, KeySource::Argument)
}

/// Returns the expression that yields the `Idempotency`: the value of `idempotency`, or the parameter of
/// that type.
fn handle(args: &Args, handler: &Handler, errors: &mut Errors) -> Option<Expr> {
    if args.is_missing(ArgName::Idempotency) {
        return errors.collect(handle_param::find(handler));
    }
    let expression = parse(args, ArgName::Idempotency, errors, |text| {
        Expression::parse(text, handler, ArgName::Idempotency, None)
    });
    expression.map(|expression| expression.expr)
}

/// Parses the path of a constant or a crate.
fn path(text: &LitStr) -> syn::Result<Path> {
    let mut path = text.parse_with(Path::parse_mod_style).map_err(|_| {
        let message = format!(
            "`{}` is not a path; write one, such as `crate::PAYMENTS` or `my_prelude::idem_axum`",
            text.value()
        );
        syn::Error::new_spanned(text, message)
    })?;
    // As generated code, so that no lint judges how much of the path is needed.
    for segment in &mut path.segments {
        segment.ident.set_span(Span::mixed_site().located_at(text.span()));
    }
    Ok(path)
}

/// `::idem_axum`
fn default_crate(target: Target) -> Path {
    let krate = Ident::new(target.krate(), Span::mixed_site());
    syn::parse_quote_spanned!(Span::mixed_site()=> ::#krate)
}

/// Parses the string value of `arg`, if it was written.
fn parse<T>(
    args: &Args,
    arg: ArgName,
    errors: &mut Errors,
    parse: impl FnOnce(&LitStr) -> syn::Result<T>,
) -> Option<T> {
    args.text(arg).and_then(|text| errors.collect(parse(text)))
}

fn guarantee(text: &LitStr) -> syn::Result<Guarantee> {
    match text.value().as_str() {
        "at-most-once" => Ok(Guarantee::AtMostOnce),
        "at-least-once" => Ok(Guarantee::AtLeastOnce),
        "exactly-once" => Err(syn::Error::new_spanned(
            text,
            "`exactly-once` is not a value of `guarantee`, but the effect of a handler that takes a \
             transaction (`Tx`); write `at-most-once` or `at-least-once`",
        )),
        other => Err(syn::Error::new_spanned(
            text,
            format!("`{other}` is not a guarantee; write `at-most-once` or `at-least-once`"),
        )),
    }
}

fn key_format(text: &LitStr) -> syn::Result<KeyFormat> {
    match text.value().as_str() {
        "uuid" => Ok(KeyFormat::Uuid),
        "uuidv7" => Ok(KeyFormat::UuidV7),
        other => Err(syn::Error::new_spanned(
            text,
            format!("`{other}` is not a format of keys; write `uuid` or `uuidv7`"),
        )),
    }
}

fn is_strict(text: &LitStr) -> syn::Result<bool> {
    match text.value().as_str() {
        "strict" => Ok(true),
        "lenient" => Ok(false),
        other => Err(syn::Error::new_spanned(
            text,
            format!("`{other}` is not a syntax of the key header; write `strict` or `lenient`"),
        )),
    }
}

fn max_attempts(number: &LitInt) -> syn::Result<LitInt> {
    match number.base10_parse::<u32>() {
        Ok(0) => Err(syn::Error::new_spanned(number, "`max_attempts` must be at least 1")),
        Ok(attempts) => Ok(LitInt::new(&format!("{attempts}u32"), number.span())),
        Err(_) => Err(syn::Error::new_spanned(
            number,
            format!("`{number}` is out of range; write a number from 1 to {}", u32::MAX),
        )),
    }
}
