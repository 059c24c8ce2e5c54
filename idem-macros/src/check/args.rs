//! The rules for arguments that are required or that depend on each other.

use crate::arg_name::ArgName;
use crate::attribute::{Guarantee, KeyFormat};
use crate::errors::Errors;
use crate::parse::args::Args;
use crate::parse::handler::Handler;
use crate::parse::transaction;
use crate::target::Target;
use proc_macro2::Span;
use syn::ext::IdentExt;

/// The arguments without a default must be written. A `policy` has a `ttl` and a `guarantee`, and a transaction needs no
/// guarantee.
pub(crate) fn required(args: &Args, handler: &Handler, target: Target, errors: &mut Errors) {
    let has_policy = !args.is_missing(ArgName::Policy);
    for arg in target.required() {
        let has_default = match arg {
            ArgName::Ttl => has_policy,
            ArgName::Guarantee => has_policy || transaction::parameters(handler).next().is_some(),
            _ => false,
        };
        if args.is_missing(*arg) && !has_default {
            let message = format!("`{}` is missing; write `{}`", arg.name(), arg.example());
            errors.push(syn::Error::new(Span::call_site(), message));
        }
    }
}

/// `max_attempts` needs `guarantee = "at-least-once"`. `guarantee` is `None` if it was not written, or if
/// its value is wrong and already reported.
pub(crate) fn attempts_need_at_least_once(
    args: &Args,
    guarantee: Option<Guarantee>,
    errors: &mut Errors,
) {
    let Some(name) = args.name(ArgName::MaxAttempts) else {
        return;
    };
    let is_default = args.is_missing(ArgName::Guarantee) && args.is_missing(ArgName::Policy);
    if is_default || guarantee == Some(Guarantee::AtMostOnce) {
        let message = "`max_attempts` requires `guarantee = \"at-least-once\"`; add it or \
                       remove `max_attempts`";
        errors.add(name, message);
    }
}

/// `recover` needs a guarantee that leaves unknown outcomes, and `settle` needs `recover`.
pub(crate) fn recover_needs_an_unknown_outcome(
    args: &Args,
    handler: &Handler,
    guarantee: Option<Guarantee>,
    errors: &mut Errors,
) {
    let Some(name) = args.name(ArgName::Recover) else {
        if let Some(name) = args.name(ArgName::Settle)
            && args.is_missing(ArgName::Recover)
        {
            let message =
                "`settle` delays the answer of `recover`; add `recover` or remove `settle`";
            errors.add(name, message);
        }
        return;
    };
    if guarantee == Some(Guarantee::AtLeastOnce) {
        let message = "`recover` has no effect with `guarantee = \"at-least-once\"`, which runs again \
                       by itself; remove one of the two";
        errors.add(name, message);
    }
    if transaction::parameters(handler).next().is_some() {
        let message = "`recover` has no effect with a `Tx`, because a run in a transaction leaves no \
                       unknown outcome; remove `recover`";
        errors.add(name, message);
    }
}

/// Arguments about the key header cannot be combined with `key`.
pub(crate) fn header_args_need_a_header(args: &Args, errors: &mut Errors) {
    if args.name(ArgName::Key).is_none() {
        return;
    }
    for arg in [ArgName::Optional, ArgName::Syntax] {
        if let Some(name) = args.name(arg) {
            let message = format!(
                "`{name}` applies to the key header, but `key` takes the key from a parameter; remove \
                 one of the two"
            );
            errors.add(name, message);
        }
    }
}

/// `max_age` needs `format = "uuidv7"`, which a `policy` can have too. `format` is `None` if it was not written, or if its
/// value is wrong and already reported.
pub(crate) fn max_age_needs_a_time(args: &Args, format: Option<KeyFormat>, errors: &mut Errors) {
    let Some(name) = args.name(ArgName::MaxAge) else {
        return;
    };
    let is_default = args.is_missing(ArgName::Format) && args.is_missing(ArgName::Policy);
    if is_default || format == Some(KeyFormat::Uuid) {
        let message = "`max_age` requires `format = \"uuidv7\"`, whose keys contain the time; add it or \
                       remove `max_age`";
        errors.add(name, message);
    }
}

/// Methods and generic functions need an `operation`. Their bare name is shared by several functions, and
/// one of them would return what another one stored, without a run.
pub(crate) fn shared_names_need_an_operation(args: &Args, handler: &Handler, errors: &mut Errors) {
    if !args.is_missing(ArgName::Operation) {
        return;
    }
    let name = handler.name().unraw();
    if let Some(receiver) = handler.sig.receiver() {
        let message = format!(
            "a method needs an `operation`, because all methods named `{name}` would share their keys; \
             write one, such as `operation = \"orders.{name}\"`"
        );
        errors.add(receiver, message);
    }
    if let Some(parameter) = handler.sig.generics.type_params().next() {
        let message = format!(
            "a generic function needs an `operation`, because all types `{}` share its keys; write \
             `operation = \"…\"`, and put what distinguishes the types into `key` or `scope`",
            parameter.ident
        );
        errors.add(&parameter.ident, message);
    }
}
