//! Code generation for axum: an extractor that buffers the body takes the place of the last parameter.

use super::parts;
use crate::attribute::Attribute;
use crate::parse::expression::Expression;
use crate::parse::handler::Handler;
use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::PatType;

/// Input:
/// ```text
/// #[idempotent(ttl = "24h", scope = "tenant")]
/// async fn create(tenant: Tenant, Json(payment): Json<NewPayment>) -> Receipt { body }
/// ```
/// Output:
/// ```text
/// async fn create<__State: ProvidesIdempotency, __Via>(
///     arg0: Tenant,
///     call: Guarded<Json<NewPayment>, __State, __Via>,
/// ) -> Response
/// where
///     Json<NewPayment>: FromRequest<__State, __Via>,
/// {
///     async fn create(tenant: Tenant, Json(payment): Json<NewPayment>) -> Receipt { body }
///     let policy = const { &Policy::new(24 hours, Guarantee::AtMostOnce) };
///     let call = match call.admit(policy).await {
///         Ok(call) => call,
///         Err(refused) => return refused,
///     };
///     let scope = { let tenant = &arg0; Scope::of(tenant) };
///     call.run(scope, move |last| create(arg0, last)).await
/// }
/// ```
/// The router's state and the kind of the last extractor are type parameters with bounds, so that rustc reports
/// a bound that is not met. Inside an extractor, it would only report that the function is not a handler.
pub(super) fn expand(handler: &Handler, attribute: &Attribute) -> TokenStream {
    let site = Span::mixed_site();
    let private = quote_spanned!(site=> ::idem_axum::__private);
    let attrs = handler.attrs.iter().filter(parts::is_outer);
    let (vis, sig) = (&handler.vis, &handler.sig);
    let (asyncness, fn_token, name) = (&sig.asyncness, &sig.fn_token, &sig.ident);
    let last = last_type(handler);
    let parameters = parameters(&private, handler, &last);
    let is_extractor =
        quote_spanned!(parts::at(&last)=> #last: #private::FromRequest<__State, __Via>);
    let response = quote_spanned!(parts::output(handler)=> -> #private::Response);
    let body = parts::block(handler, body(&private, handler, attribute));
    quote_spanned! {site=>
        #(#attrs)*
        #vis #asyncness #fn_token #name<__State: #private::ProvidesIdempotency, __Via>(
            #parameters
        ) #response
        where
            #is_extractor,
        #body
    }
}

fn parameters(private: &TokenStream, handler: &Handler, last: &TokenStream) -> TokenStream {
    let (first, _) = split_last(handler);
    let names = (0..first.len()).map(parts::argument);
    let types = first.iter().map(|parameter| &parameter.ty);
    let guarded = quote_spanned!(parts::at(last)=> #private::Guarded<#last, __State, __Via>);
    quote_spanned!(Span::mixed_site()=> #(#names: #types,)* __call: #guarded)
}

/// Returns the type of the last parameter, or `()`, an extractor of nothing, if the handler has no parameters.
fn last_type(handler: &Handler) -> TokenStream {
    match split_last(handler) {
        (_, Some(last)) => last.ty.to_token_stream(),
        (_, None) => quote_spanned!(Span::mixed_site()=> ()),
    }
}

fn body(private: &TokenStream, handler: &Handler, attribute: &Attribute) -> TokenStream {
    let site = Span::mixed_site();
    let last = handler.parameters().count().saturating_sub(1);
    let param_ref = |position| match parts::argument(position) {
        _ if position == last => quote_spanned!(site=> __call.last()),
        argument => quote_spanned!(site=> &#argument),
    };
    let admit = quote_spanned!(site=> __call.admit(__policy).await);
    let run = match &attribute.recover {
        None => run(handler),
        Some(recover) => run_recoverable(private, handler, recover),
    };
    parts::guarded(private, handler, attribute, &param_ref, (admit, run))
}

/// `call.run(scope, move |last| create(arg0, last)).await`. Its span is the return type, where rustc reports
/// a type that is not a response.
fn run(handler: &Handler) -> TokenStream {
    let name = handler.name();
    let (first, last) = split_last(handler);
    let arguments = (0..first.len()).map(parts::argument);
    let closure = match last {
        Some(_) => quote_spanned! {parts::at(name)=>
            move |__last| #name(#(#arguments,)* __last)
        },
        None => quote_spanned!(parts::at(name)=> move |()| #name()),
    };
    quote_spanned!(parts::output(handler)=> __call.run(__scope, #closure).await)
}

/// `call.run_recoverable(scope, (arg0,), hook, |((arg0,), last)| create(arg0, last)).await`, if the attribute has
/// `recover`.
fn run_recoverable(private: &TokenStream, handler: &Handler, recover: &Expression) -> TokenStream {
    let site = Span::mixed_site();
    let name = handler.name();
    let (first, last) = split_last(handler);
    let arguments: Vec<_> = (0..first.len()).map(parts::argument).collect();
    let param_ref = |position| match Literal::usize_unsuffixed(position) {
        _ if position == first.len() => quote_spanned!(site=> &__args.1),
        position => quote_spanned!(site=> &__args.0.#position),
    };
    let hook = parts::hook(private, handler, recover, &param_ref);
    let last = last.map(|_| quote_spanned!(site=> __last));
    let closure = quote_spanned! {parts::at(name)=>
        |((#(#arguments,)*), __last)| #name(#(#arguments,)* #last)
    };
    quote_spanned! {parts::output(handler)=>
        __call.run_recoverable(__scope, (#(#arguments,)*), #hook, #closure).await
    }
}

fn split_last(handler: &Handler) -> (Vec<&PatType>, Option<&PatType>) {
    let mut parameters: Vec<_> = handler.parameters().collect();
    let last = parameters.pop();
    (parameters, last)
}
