//! Expressions over the handler's parameters, written as string literals.

use super::handler::Handler;
use super::{bindings, handle_param, suggest};
use crate::arg_name::{ArgName, GLOBAL, RAW};
use crate::errors::Errors;
use crate::target::Target;
use proc_macro2::Ident;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Expr, LitStr, Pat, PatType, Token, Type};

/// One expression that mentions at least one parameter.
pub(crate) struct Expression {
    pub(crate) expr: Expr,
    /// The names that occur in the expression, including those of parameters.
    pub(crate) mentions: Vec<String>,
    /// Whether the expression is only the name of a binding. The binding is a reference already.
    pub(crate) is_binding: bool,
}

/// The value of `scope`.
pub(crate) enum Scope {
    /// All callers share one key space.
    Global,
    /// The parts of the scope, at most `MAX_PARTS`.
    Parts(Vec<Expression>),
}

/// The value of `fingerprint`.
pub(crate) enum Fingerprint {
    /// Not written.
    Default,
    /// Request bodies are compared byte by byte.
    Raw,
    /// The value of an expression is compared.
    Of(Expression),
}

/// The expressions between the commas of a scope.
type Parts = Punctuated<Expr, Token![,]>;

/// The length of the longest tuple that implements `ScopeValue`.
const MAX_PARTS: usize = 4;

impl Scope {
    pub(crate) fn parse(literal: &LitStr, handler: &Handler) -> syn::Result<Self> {
        if literal.value().trim() == GLOBAL {
            return Ok(Self::Global);
        }
        let parts = literal
            .parse_with(Parts::parse_terminated)
            .map_err(|error| not_an_expression(literal, ArgName::Scope, &error))?;
        check_global(literal, &parts)?;
        check_part_count(&parts)?;
        let mut errors = Errors::new();
        let mut check =
            |part| errors.collect(Expression::check(part, handler, ArgName::Scope, Some(GLOBAL)));
        let parts: Vec<_> = parts.into_iter().filter_map(&mut check).collect();
        check_source(&parts, handler, &mut errors);
        errors.finish().map(|()| Self::Parts(parts))
    }
}

impl Fingerprint {
    pub(crate) fn parse(literal: &LitStr, handler: &Handler, target: Target) -> syn::Result<Self> {
        // A plain function has no request body to compare.
        let raw = target.is_http().then_some(RAW);
        if raw.is_some_and(|raw| literal.value().trim() == raw) {
            return Ok(Self::Raw);
        }
        Expression::parse(literal, handler, ArgName::Fingerprint, raw).map(Self::Of)
    }
}

impl Expression {
    /// Parses the value of `arg`. Messages mention `word`, which `arg` accepts in place of an expression.
    pub(crate) fn parse(
        literal: &LitStr,
        handler: &Handler,
        arg: ArgName,
        word: Option<&str>,
    ) -> syn::Result<Self> {
        let expr = literal.parse().map_err(|error| not_an_expression(literal, arg, &error))?;
        Self::check(expr, handler, arg, word)
    }

    fn check(expr: Expr, handler: &Handler, arg: ArgName, word: Option<&str>) -> syn::Result<Self> {
        let mentions = bindings::mentions(&expr);
        let is_mentioned = |name: &Ident| mentions.iter().any(|mention| name == mention);
        if !matches!(arg, ArgName::Idempotency | ArgName::Recover)
            && let Some(handle) = handle_param::names(handler).into_iter().find(is_mentioned)
        {
            let message = format!(
                "`{handle}` is the `Idempotency` and does not identify the call; write an expression over \
                 the other parameters"
            );
            return Err(syn::Error::new_spanned(expr, message));
        }
        let is_binding = matches!(&expr, Expr::Path(path) if path.path.get_ident().is_some());
        let expression = Self { expr, mentions, is_binding };
        if handler.names().any(|name| expression.mentions.iter().any(|mention| name == mention)) {
            return Ok(expression);
        }
        let message = expression.mentions_no_parameter(handler, arg, word);
        Err(syn::Error::new_spanned(expression.expr, message))
    }

    /// Returns the message for an expression that uses no parameter.
    fn mentions_no_parameter(&self, handler: &Handler, arg: ArgName, word: Option<&str>) -> String {
        let Self { expr, mentions, is_binding } = self;
        let text = expr.to_token_stream().to_string().replace(" . ", ".");
        if matches!(expr, Expr::Lit(_)) && matches!(arg, ArgName::Scope | ArgName::Key) {
            let word = word.map(|word| format!(", or write `{} = \"{word}\"`", arg.name()));
            let word = word.unwrap_or_default();
            return format!("`{text}` is the same for every call; name a parameter{word}");
        }
        if *is_binding && let Some(unnamed) = unnamed(handler) {
            return format!(
                "`{text}` is not a parameter of `{}`; give `{}` the name: `{text}: {}`",
                handler.name(),
                suggest::source(unnamed),
                suggest::source(&unnamed.ty)
            );
        }
        let verb = if *is_binding { "is not" } else { "does not use" };
        let problem = format!("`{text}` {verb} a parameter of `{}`", handler.name());
        let handles = handle_param::names(handler);
        let parameters = handler.names().filter(|name| !handles.contains(name));
        let known: Vec<_> = parameters.map(|name| name.to_string()).collect();
        if known.is_empty() {
            let arg = arg.name();
            let word = word.map(|word| format!(", or write `{arg} = \"{word}\"`"));
            let word = word.unwrap_or_default();
            let none = match handles[..] {
                [] => "no named parameters",
                _ => "no parameters except the `Idempotency`",
            };
            return format!("{problem}, which has {none}; add one{word}");
        }
        let known = || known.iter().map(String::as_str);
        let closest = |mention: &String| suggest::closest(mention, known());
        let hint = suggest::hint(mentions.iter().find_map(closest));
        format!("{problem}; {hint}write one of: {}", suggest::list(known()))
    }
}

/// Returns the only parameter that is a `_`.
fn unnamed(handler: &Handler) -> Option<&PatType> {
    let mut unnamed =
        handler.parameters().filter(|parameter| matches!(*parameter.pat, Pat::Wild(_)));
    unnamed.next().filter(|_| unnamed.next().is_none())
}

/// The extractors whose whole value the client writes.
const CHOSEN_BY_THE_CLIENT: &[&str] = &["Path", "Query", "Json", "Form"];

/// A scope has a part that the client did not write. An extractor of what the client wrote is no part at all: rustc would only
/// report that it is not a `ScopeValue`.
fn check_source(parts: &[Expression], handler: &Handler, errors: &mut Errors) {
    let chosen: Vec<_> = parts.iter().map(|part| chosen_by_the_client(part, handler)).collect();
    let are_all = chosen.iter().all(Option::is_some);
    for (part, chosen) in parts.iter().zip(chosen) {
        let Some((parameter, extractor)) = chosen else { continue };
        let origin = match &*parameter.pat {
            Pat::Ident(_) => "is",
            _ if are_all => "comes from",
            _ => continue,
        };
        let name = part.expr.to_token_stream();
        let message = format!(
            "`{name}` {origin} a `{extractor}`, and the client chooses this value; take the scope from \
             authentication, such as the tenant of a token"
        );
        errors.add(&part.expr, message);
    }
}

/// Returns the parameter that a part names, and its type, if the client chooses its value. A part that is more than a name may
/// have been checked against the token.
fn chosen_by_the_client<'a>(
    part: &Expression,
    handler: &'a Handler,
) -> Option<(&'a PatType, &'a Ident)> {
    let mut parameters = handler.parameters().filter(|_| part.is_binding);
    let parameter =
        parameters.find(|parameter| bindings::binds_any(&parameter.pat, &part.mentions))?;
    let Type::Path(path) = &*parameter.ty else { return None };
    let extractor = &path.path.segments.last()?.ident;
    CHOSEN_BY_THE_CLIENT.iter().any(|name| extractor == name).then_some((parameter, extractor))
}

/// `global` cannot be one of several parts.
fn check_global(literal: &LitStr, parts: &Parts) -> syn::Result<()> {
    let is_global = |part: &Expr| matches!(part, Expr::Path(path) if path.path.is_ident(GLOBAL));
    if !parts.iter().any(is_global) {
        return Ok(());
    }
    let message = format!(
        "`{GLOBAL}` cannot be combined with other parts; write `scope = \"{GLOBAL}\"` or remove it from \
         the list"
    );
    Err(syn::Error::new_spanned(literal, message))
}

/// A scope has at most `MAX_PARTS` parts.
fn check_part_count(parts: &Parts) -> syn::Result<()> {
    let Some(excess) = parts.iter().nth(MAX_PARTS) else {
        return Ok(());
    };
    let message = format!(
        "a scope has at most {MAX_PARTS} parts; combine several into one type that implements \
         `ScopeValue`"
    );
    Err(syn::Error::new_spanned(excess, message))
}

fn not_an_expression(literal: &LitStr, arg: ArgName, error: &syn::Error) -> syn::Error {
    let (text, example) = (literal.value(), arg.example());
    let message =
        format!("`{text}` is not a Rust expression: {error}; write one, such as `{example}`");
    syn::Error::new_spanned(literal, message)
}
