//! Expressions over the handler's parameters, written as string literals.

use crate::expand::Flavour;
use crate::signature::Handler;
use crate::suggest;
use crate::symbol::{GLOBAL, RAW, Symbol};
use crate::{bindings, handle};
use proc_macro2::Ident;
use syn::punctuated::Punctuated;
use syn::{Expr, LitStr, Token};

/// One expression that mentions at least one parameter.
pub(crate) struct Expression {
    pub(crate) expr: Expr,
    /// The names in it, among them those of parameters.
    pub(crate) mentions: Vec<String>,
    /// Whether it is nothing but the name of a binding, which is a reference already.
    pub(crate) is_binding: bool,
}

/// Whose keys they are.
pub(crate) enum Scope {
    Global,
    Parts(Vec<Expression>),
}

/// What makes two requests the same.
pub(crate) enum Fingerprint {
    Default,
    Raw,
    Of(Expression),
}

/// What stands between the commas of a scope.
type Parts = Punctuated<Expr, Token![,]>;

/// The longest tuple that is a `ScopeValue`.
const MAX_PARTS: usize = 4;

impl Scope {
    pub(crate) fn parse(literal: &LitStr, handler: &Handler) -> syn::Result<Self> {
        if literal.value().trim() == GLOBAL {
            return Ok(Self::Global);
        }
        let parts = literal
            .parse_with(Parts::parse_terminated)
            .map_err(|error| not_an_expression(literal, Symbol::Scope, &error))?;
        global_stands_alone(literal, &parts)?;
        has_few_parts(&parts)?;
        let mut mistakes = crate::report::Report::default();
        let parts = parts
            .into_iter()
            .filter_map(|part| {
                mistakes.keep(Expression::check(part, handler, Symbol::Scope, Some(GLOBAL)))
            })
            .collect();
        mistakes.finish().map(|()| Self::Parts(parts))
    }
}

impl Fingerprint {
    pub(crate) fn parse(
        literal: &LitStr,
        handler: &Handler,
        flavour: &Flavour,
    ) -> syn::Result<Self> {
        // Only a request has a body that could be taken as it came.
        let raw = flavour.answers_http.then_some(RAW);
        if raw.is_some_and(|raw| literal.value().trim() == raw) {
            return Ok(Self::Raw);
        }
        Expression::parse(literal, handler, Symbol::Fingerprint, raw).map(Self::Of)
    }
}

impl Expression {
    /// `word` may be written in place of an expression.
    pub(crate) fn parse(
        literal: &LitStr,
        handler: &Handler,
        key: Symbol,
        word: Option<&str>,
    ) -> syn::Result<Self> {
        let expr = literal.parse().map_err(|error| not_an_expression(literal, key, &error))?;
        Self::check(expr, handler, key, word)
    }

    fn check(expr: Expr, handler: &Handler, key: Symbol, word: Option<&str>) -> syn::Result<Self> {
        let mentions = bindings::mentions(&expr);
        let is_mentioned = |name: &Ident| mentions.iter().any(|mention| name == mention);
        if key != Symbol::Idempotency
            && let Some(handle) = handle::names(handler).into_iter().find(is_mentioned)
        {
            let message = format!(
                "`{handle}` is the handle and says nothing about the call; write an expression over the \
                 other parameters"
            );
            return Err(syn::Error::new_spanned(expr, message));
        }
        if !handler.names().any(|name| is_mentioned(&name)) {
            let message = names_no_parameter(&expr, &mentions, handler, (key, word));
            return Err(syn::Error::new_spanned(expr, message));
        }
        let is_binding = matches!(&expr, Expr::Path(path) if path.path.get_ident().is_some());
        Ok(Self { expr, mentions, is_binding })
    }
}

fn global_stands_alone(literal: &LitStr, parts: &Parts) -> syn::Result<()> {
    if !parts.iter().any(is_global) {
        return Ok(());
    }
    let message = format!(
        "`{GLOBAL}` is one scope for every caller and stands alone; write `scope = \"{GLOBAL}\"` or leave \
         it out of the list"
    );
    Err(syn::Error::new_spanned(literal, message))
}

fn has_few_parts(parts: &Parts) -> syn::Result<()> {
    let Some(one_more) = parts.iter().nth(MAX_PARTS) else {
        return Ok(());
    };
    let message = format!(
        "a scope has at most {MAX_PARTS} parts; put several into one type of your own that is a \
         `ScopeValue`"
    );
    Err(syn::Error::new_spanned(one_more, message))
}

fn is_global(part: &Expr) -> bool {
    matches!(part, Expr::Path(path) if path.path.is_ident(GLOBAL))
}

fn not_an_expression(literal: &LitStr, key: Symbol, error: &syn::Error) -> syn::Error {
    let text = literal.value();
    let example = key.example();
    let message =
        format!("`{text}` is not a Rust expression: {error}; write one, such as `{example}`");
    syn::Error::new_spanned(literal, message)
}

fn names_no_parameter(
    expr: &Expr,
    mentions: &[String],
    handler: &Handler,
    (key, word): (Symbol, Option<&str>),
) -> String {
    let text = quote::quote!(#expr).to_string().replace(" . ", ".");
    let function = handler.name();
    let handles = handle::names(handler);
    let known: Vec<_> = handler
        .names()
        .filter(|name| !handles.contains(name))
        .map(|name| name.to_string())
        .collect();
    let key = key.name();
    let word = word.map(|word| format!(", or `{key} = \"{word}\"`")).unwrap_or_default();
    if known.is_empty() {
        return format!(
            "`{text}` names no parameter of `{function}`, which binds none; add one{word}"
        );
    }
    let known = || known.iter().map(String::as_str);
    let near = |mention: &String| suggest::closest(mention, known());
    let hint = suggest::hint(mentions.iter().find_map(near));
    let list = suggest::list(known());
    format!("`{text}` names no parameter of `{function}`; {hint}write one of: {list}")
}
