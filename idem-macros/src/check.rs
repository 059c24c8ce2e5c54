//! The rules, one function each: what the signature may be and which keys agree.

use crate::args::Args;
use crate::duration::Length;
use crate::expand::Flavour;
use crate::plan::Guarantee;
use crate::report::Report;
use crate::signature::{Handler, is_ours};
use crate::symbol::{ATTRIBUTE, Symbol};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use std::time::Duration;
use syn::ext::IdentExt;
use syn::{Attribute, ReturnType, Safety, Type};

const DEFAULT_LEASE: Duration = Duration::from_secs(30);
const DEFAULT_MAX_RUN: Duration = Duration::from_secs(15 * 60);
/// A lease is renewed every third of it; a shorter third is lost in the store's own latency.
const SHORTEST_LEASE: Duration = Duration::from_millis(100);

/// A handler is called by its framework, which must see plain types.
pub(crate) fn handler(handler: &Handler, flavour: &Flavour, report: &mut Report) {
    is_async(handler, report);
    has_no_qualifiers(handler, "a handler", report);
    has_no_receiver(handler, report);
    has_no_self_type(handler, report);
    has_no_generics(handler, report);
    is_not_variadic(handler, report);
    has_few_parameters(handler, flavour.max_parameters, report);
    parameters_have_plain_types(handler, report);
    parameters_have_no_cfg(handler, report);
    is_annotated_once(handler, report);
    stands_below_routes(handler, flavour.route_macros, report);
}

/// A function is called by its user, as it was written.
pub(crate) fn function(handler: &Handler, _: &Flavour, report: &mut Report) {
    is_async(handler, report);
    has_no_qualifiers(handler, "a guarded function", report);
    is_not_variadic(handler, report);
    returns_a_named_type(handler, report);
    is_annotated_once(handler, report);
}

fn returns_a_named_type(handler: &Handler, report: &mut Report) {
    match &handler.sig.output {
        ReturnType::Default => {
            let name = handler.name();
            let message = format!(
                "`{name}` returns nothing, so nobody would learn that it was refused; write `-> Result<(), E>`"
            );
            report.at(name, message);
        }
        ReturnType::Type(_, ty) if find("impl", ty.to_token_stream()).is_some() => {
            let message = "`impl Trait` hides the type to store; write the concrete type";
            report.at(ty, message);
        }
        ReturnType::Type(..) => {}
    }
}

fn is_async(handler: &Handler, report: &mut Report) {
    let sig = &handler.sig;
    if sig.asyncness.is_none() {
        let message = format!("`{}` must be async; write `async fn`", sig.ident);
        report.at(sig.fn_token, message);
    }
}

fn has_no_qualifiers(handler: &Handler, what: &str, report: &mut Report) {
    let sig = &handler.sig;
    if let Some(constness) = sig.constness {
        report.at(constness, format!("{what} cannot be `const`; leave the word out"));
    }
    if let Safety::Unsafe(unsafety) = sig.safety {
        let message = format!("{what} cannot be `unsafe`; write an `unsafe` block in its body");
        report.at(unsafety, message);
    }
    if let Some(abi) = &sig.abi {
        report.at(abi, format!("{what} cannot be `extern`; leave the words out"));
    }
}

fn has_no_receiver(handler: &Handler, report: &mut Report) {
    if let Some(receiver) = handler.sig.receiver() {
        let message = "a handler has no `self`; write a free function and take what it needs as \
                       parameters";
        report.at(receiver, message);
    }
}

/// The function moves into one of ours, where `Self` means nothing.
fn has_no_self_type(handler: &Handler, report: &mut Report) {
    let mut types: Vec<_> = handler.parameters().map(|parameter| &parameter.ty).collect();
    if let ReturnType::Type(_, ty) = &handler.sig.output {
        types.push(ty);
    }
    for word in types.into_iter().filter_map(|ty| find("Self", ty.to_token_stream())) {
        report.at(word, "a handler cannot say `Self`; write the name of the type");
    }
}

fn has_no_generics(handler: &Handler, report: &mut Report) {
    let generics = &handler.sig.generics;
    if !generics.params.is_empty() {
        let message = "a handler cannot be generic; write the concrete types";
        report.at(generics, message);
    }
    if let Some(clause) = &generics.where_clause {
        report.at(clause, "a handler has no `where` clause; leave it out");
    }
}

fn is_not_variadic(handler: &Handler, report: &mut Report) {
    if let Some(variadic) = &handler.sig.variadic {
        let message = "a handler cannot be variadic; write every parameter out";
        report.at(variadic, message);
    }
}

fn has_few_parameters(handler: &Handler, max: usize, report: &mut Report) {
    if let Some(one_more) = handler.parameters().nth(max) {
        let message = format!(
            "a handler takes at most {max} parameters; put several into one type of your own"
        );
        report.at(one_more, message);
    }
}

fn parameters_have_plain_types(handler: &Handler, report: &mut Report) {
    for parameter in handler.parameters() {
        if find("impl", parameter.ty.to_token_stream()).is_some() {
            let message = "`impl Trait` hides the type to extract; write the concrete type";
            report.at(&parameter.ty as &Type, message);
        }
    }
}

/// The first `word` among the tokens.
fn find(word: &str, tokens: TokenStream) -> Option<Ident> {
    tokens.into_iter().find_map(|tree| match tree {
        TokenTree::Ident(found) => (found == word).then_some(found),
        TokenTree::Group(group) => find(word, group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}

fn parameters_have_no_cfg(handler: &Handler, report: &mut Report) {
    let attrs = handler.parameters().flat_map(|parameter| &parameter.attrs);
    for attr in attrs {
        let path = attr.path();
        if path.is_ident("cfg") || path.is_ident("cfg_attr") {
            let message = "a parameter cannot come and go; put the `cfg` on the whole function";
            report.at(attr, message);
        }
    }
}

fn is_annotated_once(handler: &Handler, report: &mut Report) {
    for attr in handler.attrs.iter().filter(|attr| is_ours(attr)) {
        let message = format!("`#[{ATTRIBUTE}]` is written twice on one function; keep one");
        report.at(attr, message);
    }
}

/// A route macro turns the function into a struct: above, it takes the guarded function along; below, it
/// would leave none to guard.
fn stands_below_routes(handler: &Handler, route_macros: &[&str], report: &mut Report) {
    let name = |attr: &Attribute| Some(attr.path().segments.last()?.ident.to_string());
    let below = handler.attrs.iter().find_map(|attr| {
        let name = name(attr).filter(|name| route_macros.contains(&name.as_str()))?;
        Some((attr, name))
    });
    if let Some((attr, name)) = below {
        let message = format!(
            "`#[{ATTRIBUTE}]` stands above `#[{name}]`, which leaves no function to guard; write it \
             below, next to the function"
        );
        report.at(attr, message);
    }
}

pub(crate) fn required(args: &Args, required: &[Symbol], report: &mut Report) {
    for key in required {
        if args.is_missing(*key) {
            let message = format!("`{}` is missing; write `{}`", key.name(), key.example());
            report.push(syn::Error::new(Span::call_site(), message));
        }
    }
}

pub(crate) fn lease_can_be_renewed(lease: Option<&Length>, report: &mut Report) {
    if let Some(lease) = lease.filter(|lease| lease.value < SHORTEST_LEASE) {
        let message = format!(
            "a lease of `{}` cannot be renewed in time; write at least `100ms`",
            lease.text()
        );
        report.at(&lease.literal, message);
    }
}

/// Only a lease that was written is compared: a short ttl beside the default lease is fine.
pub(crate) fn ttl_covers_lease(ttl: Option<&Length>, lease: Option<&Length>, report: &mut Report) {
    if let (Some(ttl), Some(lease)) = (ttl, lease)
        && ttl.value < lease.value
    {
        let (ttl_text, lease_text) = (ttl.text(), lease.text());
        let message = format!(
            "a `ttl` of `{ttl_text}` is shorter than the `lease`; write at least `{lease_text}`"
        );
        report.at(&ttl.literal, message);
    }
}

pub(crate) fn max_run_covers_lease(
    max_run: Option<&Length>,
    lease: Option<&Length>,
    report: &mut Report,
) {
    let run = max_run.map_or(DEFAULT_MAX_RUN, |max_run| max_run.value);
    let held = lease.map_or(DEFAULT_LEASE, |lease| lease.value);
    if held <= run {
        return;
    }
    match (max_run, lease) {
        (Some(max_run), None) => {
            let text = max_run.text();
            let message = format!(
                "a `max_run` of `{text}` is shorter than the default `lease` of `30s`; write \
                 `lease = \"{text}\"` or a shorter one too"
            );
            report.at(&max_run.literal, message);
        }
        (max_run, Some(lease)) => {
            let run = max_run.map_or_else(|| "15m".to_owned(), Length::text);
            let message = format!(
                "a `lease` of `{}` is longer than `max_run`; write at most `{run}`",
                lease.text()
            );
            report.at(&lease.literal, message);
        }
        (None, None) => {}
    }
}

/// `guarantee` is what could be read: a guarantee that is itself a mistake is not judged twice.
pub(crate) fn attempts_need_at_least_once(
    args: &Args,
    guarantee: Option<Guarantee>,
    report: &mut Report,
) {
    let Some(name) = args.name(Symbol::MaxAttempts) else {
        return;
    };
    if args.is_missing(Symbol::Guarantee) || guarantee == Some(Guarantee::AtMostOnce) {
        let message = "`max_attempts` counts the runs of at least once; write `guarantee = \
                       \"at-least-once\"` too, or leave it out";
        report.at(name, message);
    }
}

/// A name alone does not tell a method from that of another type, nor one type of a generic function from
/// another: the second would be answered by what the first stored, and never run.
pub(crate) fn shared_names_need_an_operation(args: &Args, handler: &Handler, report: &mut Report) {
    if !args.is_missing(Symbol::Operation) {
        return;
    }
    let name = handler.name().unraw();
    if let Some(receiver) = handler.sig.receiver() {
        let message = format!(
            "every method `{name}` would share its keys with this one; write a name of its own, such as \
             `operation = \"orders.{name}\"`"
        );
        report.at(receiver, message);
    }
    if let Some(parameter) = handler.sig.generics.type_params().next() {
        let message = format!(
            "`{name}` shares its keys among all types `{0}`; write `operation = \"…\"`, and in `key` or \
             `scope` what tells the types apart",
            parameter.ident
        );
        report.at(&parameter.ident, message);
    }
}

pub(crate) fn header_keys_need_a_header(args: &Args, report: &mut Report) {
    if args.name(Symbol::Key).is_none() {
        return;
    }
    for key in [Symbol::Optional, Symbol::Syntax] {
        if let Some(written) = args.name(key) {
            let message = format!(
                "`{written}` is about the header, but `key` takes the key from a parameter; leave \
                 one of the two out"
            );
            report.at(written, message);
        }
    }
}
