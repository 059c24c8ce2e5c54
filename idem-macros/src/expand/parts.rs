//! Pieces that every flavour quotes. Names of ours get `Span::mixed_site`, so that no local of the
//! user's meets them, and two underscores, since in a pattern a constant or static of the user's would
//! stand before them; comments leave the underscores out. Where rustc checks a type for us, the names
//! stand at the user's token.

use crate::bindings;
use crate::duration::Length;
use crate::expression::{Expression, Fingerprint, Scope};
use crate::plan::{Guarantee, Plan, Source};
use crate::signature::Handler;
use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, ReturnType};

/// Where a parameter's value is found in the generated function, as a reference.
pub(crate) type Place<'a> = &'a dyn Fn(usize) -> TokenStream;

/// Binds the names that an expression mentions to references, before it is evaluated.
pub(crate) type Rebind<'a> = &'a dyn Fn(&[String]) -> TokenStream;

/// The location of `tokens`, without their names.
pub(crate) fn at(tokens: &impl Spanned) -> Span {
    Span::mixed_site().located_at(tokens.span())
}

/// The location of the return type, or of the name where none is written.
pub(crate) fn output(handler: &Handler) -> Span {
    match &handler.sig.output {
        ReturnType::Type(_, ty) => at(ty),
        ReturnType::Default => at(handler.name()),
    }
}

pub(crate) fn argument(position: usize) -> Ident {
    format_ident!("__arg{position}", span = Span::mixed_site())
}

/// The user's function, whole, under its own name. What the attribute mentions counts as used there:
/// a tenant is often a parameter for nothing else.
fn inner(handler: &Handler, plan: &Plan) -> TokenStream {
    let site = Span::mixed_site();
    let attrs = handler.attrs.iter().filter(|attr| !is_outer(attr));
    let sig = &handler.sig;
    let mentions = plan.mentions();
    let bound = handler.parameters().flat_map(|parameter| bindings::names(&parameter.pat));
    let used: Vec<_> =
        bound.filter(|name| mentions.iter().any(|mention| name == mention)).collect();
    let body = match &used[..] {
        [] => handler.body.clone(),
        used => {
            let body = nested_body(handler);
            block(handler, quote_spanned!(site=> #(let _ = &#used;)* #body))
        }
    };
    quote_spanned!(site=> #(#attrs)* #sig #body)
}

/// The generated body between the user's own braces: to rustc the function is then the user's,
/// and an unused handler is reported like any other.
pub(crate) fn block(handler: &Handler, statements: TokenStream) -> Group {
    let mut block = Group::new(Delimiter::Brace, statements);
    block.set_span(handler.body.span());
    block
}

/// `'body: { body }`, to stand within another block. Nothing breaks to the label: without it, rustc takes the
/// user's braces around a single expression for superfluous.
pub(crate) fn nested_body(handler: &Handler) -> TokenStream {
    let body = &handler.body;
    quote_spanned!(Span::mixed_site()=> '__body: #body)
}

/// What every flavour's function does: admits the call, finds its scope, and runs it.
/// ```text
/// async fn create(…) -> StoredResponse { body }
/// let policy = const { &Policy::new(24 hours, Guarantee::AtMostOnce) };
/// let call = match /* admit */ { Ok(call) => call, Err(refused) => return refused };
/// let scope = { let tenant = /* place */; Scope::of(tenant) };
/// /* run */
/// ```
/// The policy is a local: a constant here could be seen from the user's body.
pub(crate) fn guarded(
    private: &TokenStream,
    handler: &Handler,
    plan: &Plan,
    place: Place<'_>,
    (admit, run): (TokenStream, TokenStream),
) -> TokenStream {
    let (inner, policy) = (inner(handler, plan), policy(private, plan));
    let rebind = |mentions: &[String]| rebind(mentions, handler, place);
    let scope = scope(private, &plan.scope, &rebind);
    let key = key(private, plan, &rebind);
    let fingerprint = fingerprint(private, plan, &rebind);
    quote_spanned! {Span::mixed_site()=>
        #inner
        let __policy = const { &#policy };
        let __call = match #admit {
            ::core::result::Result::Ok(__call) => __call,
            ::core::result::Result::Err(__refused) => return __refused,
        };
        let __scope = #scope;
        #key
        #fingerprint
        #run
    }
}

/// `let key = …; let call = call.with_key(key);`, where the attribute names it.
fn key(private: &TokenStream, plan: &Plan, rebind: Rebind<'_>) -> Option<TokenStream> {
    let Source::Argument(key) = &plan.source else {
        return None;
    };
    let site = Span::mixed_site();
    let key = value_of(&quote_spanned!(site=> #private::IdempotencyKey), key, rebind);
    Some(quote_spanned!(site=> let __key = #key; let __call = __call.with_key(__key);))
}

/// `let material = …; let call = call.with_fingerprint(material);`, where the attribute names it.
pub(crate) fn fingerprint(
    private: &TokenStream,
    plan: &Plan,
    rebind: Rebind<'_>,
) -> Option<TokenStream> {
    let Fingerprint::Of(material) = &plan.fingerprint else {
        return None;
    };
    let site = Span::mixed_site();
    let material = value_of(&quote_spanned!(site=> #private::FingerprintInput), material, rebind);
    Some(quote_spanned! {site=>
        let __material = #material;
        let __call = __call.with_fingerprint(__material);
    })
}

/// The attributes that speak to callers, and the lint levels: these hold for the user's function
/// inside as well, while an `expect` inside could not see what is reported outside.
pub(crate) fn is_outer(attr: &&Attribute) -> bool {
    const OUTER: &[&str] =
        &["doc", "cfg", "deprecated", "must_use", "allow", "expect", "warn", "deny", "forbid"];
    OUTER.iter().any(|name| attr.path().is_ident(name))
}

/// `Policy::new(ttl, guarantee).with_…(…)`, each builder only where its key was written.
pub(crate) fn policy(private: &TokenStream, plan: &Plan) -> TokenStream {
    let site = Span::mixed_site();
    let ttl = duration(&plan.ttl);
    let guarantee = match plan.guarantee {
        Guarantee::AtMostOnce => quote_spanned!(site=> AtMostOnce),
        Guarantee::AtLeastOnce => quote_spanned!(site=> AtLeastOnce),
    };
    let lease = plan.lease.as_ref().map(duration).into_iter();
    let wait = plan.wait.as_ref().map(duration).into_iter();
    let max_run = plan.max_run.as_ref().map(duration).into_iter();
    let max_attempts = plan.max_attempts.into_iter();
    let operation = plan.operation.iter();
    let fingerprint = match plan.fingerprint {
        Fingerprint::Default => None,
        Fingerprint::Raw => Some(quote_spanned!(site=> .with_raw_fingerprint())),
        Fingerprint::Of(_) => Some(quote_spanned!(site=> .with_argument_fingerprint())),
    };
    let key = key_source(private, &plan.source).into_iter();
    quote_spanned! {site=>
        #private::Policy::new(#ttl, #private::Guarantee::#guarantee)
            #(.with_lease(#lease))*
            #(.with_wait(#wait))*
            #(.with_max_run(#max_run))*
            #(.with_max_attempts(#max_attempts))*
            #(.with_operation(#operation))*
            #fingerprint
            #(#key)*
    }
}

/// `.with_key_header(syntax, required)`, where it is not the default, or `.with_argument_key()`.
fn key_source(private: &TokenStream, source: &Source) -> Option<TokenStream> {
    let site = Span::mixed_site();
    match *source {
        Source::Argument(_) => Some(quote_spanned!(site=> .with_argument_key())),
        Source::Header { optional: false, strict: false } => None,
        Source::Header { optional, strict } => {
            let syntax =
                format_ident!("{}", if strict { "Strict" } else { "Lenient" }, span = site);
            let required = !optional;
            Some(quote_spanned!(site=> .with_key_header(#private::KeySyntax::#syntax, #required)))
        }
    }
}

fn duration(length: &Length) -> TokenStream {
    let millis = Literal::u64_suffixed(length.millis());
    quote_spanned!(Span::mixed_site()=> ::core::time::Duration::from_millis(#millis))
}

/// `{ let tenant = &arg1; Scope::of(tenant) }`
pub(crate) fn scope(private: &TokenStream, scope: &Scope, rebind: Rebind<'_>) -> TokenStream {
    let parts = match scope {
        Scope::Global => {
            return quote_spanned!(Span::mixed_site()=> #private::Scope::global());
        }
        Scope::Parts(parts) => parts,
    };
    let mentions: Vec<_> = parts.iter().flat_map(|part| part.mentions.clone()).collect();
    let lets = rebind(&mentions);
    let value = match &parts[..] {
        [part] => reference(part),
        parts => {
            let parts = parts.iter().map(reference);
            quote_spanned!(Span::mixed_site()=> &(#(#parts),*))
        }
    };
    let site = parts.first().map_or_else(Span::mixed_site, |part| at(&part.expr));
    quote_spanned!(site=> { #lets #private::Scope::of(#value) })
}

/// `{ let Json(payment) = call.last(); path::of(&(payment.id)) }`
pub(crate) fn value_of(
    path: &TokenStream,
    expression: &Expression,
    rebind: Rebind<'_>,
) -> TokenStream {
    let lets = rebind(&expression.mentions);
    let value = reference(expression);
    quote_spanned!(at(&expression.expr)=> { #lets #path::of(#value) })
}

/// The user's own patterns, matched on references: no expression can move an argument away.
fn rebind(mentions: &[String], handler: &Handler, place: Place<'_>) -> TokenStream {
    let parameters = handler.parameters().map(|parameter| &parameter.pat).enumerate();
    let mentioned = parameters.filter(|(_, pat)| bindings::binds_any(pat, mentions));
    let lets = mentioned.map(|(position, pat)| {
        let pat = bindings::by_reference(pat, mentions);
        let place = place(position);
        quote_spanned!(Span::mixed_site()=> let #pat = #place;)
    });
    lets.collect()
}

fn reference(expression: &Expression) -> TokenStream {
    let expr = &expression.expr;
    if expression.is_binding {
        return expr.to_token_stream();
    }
    quote_spanned!(at(expr)=> &(#expr))
}
