//! Code generation for actix-web: one extractor takes the request, and all parameters are extracted from it
//! as one tuple after the body is buffered.

use super::parts;
use crate::attribute::Attribute;
use crate::parse::expression::Expression;
use crate::parse::handler::Handler;
use proc_macro2::{Literal, Span, TokenStream};
use quote::quote_spanned;

/// Input:
/// ```text
/// #[idempotent(ttl = "24h", scope = "tenant")]
/// async fn create(tenant: Tenant, Json(payment): Json<NewPayment>) -> Receipt { body }
/// ```
/// Output:
/// ```text
/// async fn create_unguarded(tenant: Tenant, Json(payment): Json<NewPayment>) -> Receipt { body }
///
/// async fn create(call: Guarded) -> Response {
///     async fn create(tenant: Tenant, Json(payment): Json<NewPayment>) -> Receipt { body }
///     let policy = const { &Policy::new(24 hours, Guarantee::AtMostOnce) };
///     let call = match call.admit::<(Tenant, Json<NewPayment>,)>(policy).await {
///         Ok(call) => call,
///         Err(refused) => return refused,
///     };
///     let scope = { let tenant = &call.arguments().0; Scope::of(&scope_part(tenant)) };
///     call.run(scope, move |(arg0, arg1,)| create(arg0, arg1,)).await
/// }
/// ```
/// The parameter types are named in the body and not in the generated parameter. In the body, rustc reports
/// the type that is not an extractor. In the parameter, it would only report that the function is not a
/// handler.
pub(super) fn expand(handler: &Handler, attribute: &Attribute) -> TokenStream {
    let site = Span::mixed_site();
    let private = parts::private(attribute);
    let attrs = handler.attrs.iter().filter(parts::is_outer);
    let (vis, sig) = (&handler.vis, &handler.sig);
    let (asyncness, fn_token, name) = (&sig.asyncness, &sig.fn_token, &sig.ident);
    let generics = parts::generics(handler);
    let where_clause = &generics.where_clause;
    let unguarded = parts::unguarded(handler, &parts::used(handler, attribute));
    let response = quote_spanned!(parts::output(handler)=> -> #private::Response);
    let param_ref = |position| {
        let position = Literal::usize_unsuffixed(position);
        quote_spanned!(site=> &__call.arguments().#position)
    };
    let run = match &attribute.recover {
        None => run(handler),
        Some(recover) => run_recoverable(&private, handler, recover),
    };
    let steps = (admit(handler), run);
    let guarded = parts::guarded(&private, handler, attribute, &param_ref, steps);
    let body = parts::block(handler, guarded);
    quote_spanned! {site=>
        #unguarded
        #(#attrs)*
        #vis #asyncness #fn_token #name #generics(__call: #private::Guarded) #response
        #where_clause
        #body
    }
}

/// `call.admit::<(Tenant, Json<NewPayment>,)>(policy).await`. Its span is the parameter list, where rustc
/// reports a type that is not an extractor.
fn admit(handler: &Handler) -> TokenStream {
    let types = handler.parameters().map(|parameter| &parameter.ty);
    let site = Span::mixed_site().located_at(handler.sig.paren_token.span.join());
    quote_spanned!(site=> __call.admit::<(#(#types,)*)>(__policy).await)
}

/// `call.run_recoverable(scope, hook, |(arg0, arg1,)| create(arg0, arg1,)).await`, if the attribute has `recover`.
fn run_recoverable(private: &TokenStream, handler: &Handler, recover: &Expression) -> TokenStream {
    let site = Span::mixed_site();
    let param_ref = |position| {
        let position = Literal::usize_unsuffixed(position);
        quote_spanned!(site=> &__args.#position)
    };
    let hook = parts::hook(private, handler, recover, &param_ref);
    let closure = closure(handler);
    quote_spanned!(parts::output(handler)=> __call.run_recoverable(__scope, #hook, #closure).await)
}

/// `call.run(scope, move |(arg0, arg1,)| create(arg0, arg1,)).await`. Its span is the return type, where rustc
/// reports a type that is not a responder.
fn run(handler: &Handler) -> TokenStream {
    let closure = closure(handler);
    quote_spanned!(parts::output(handler)=> __call.run(__scope, #closure).await)
}

/// `move |(arg0, arg1,)| create(arg0, arg1,)`
fn closure(handler: &Handler) -> TokenStream {
    let (name, function) = (handler.name(), parts::function(handler));
    let arguments: Vec<_> =
        handler.parameters().enumerate().map(|(position, _)| parts::argument(position)).collect();
    quote_spanned! {parts::at(name)=>
        move |(#(#arguments,)*)| #function(#(#arguments,)*)
    }
}
