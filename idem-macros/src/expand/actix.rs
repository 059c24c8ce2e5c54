//! The actix-web flavour: all parameters are extracted as one tuple, from the buffered body.

use super::{Flavour, HTTP_KEYS, HTTP_REQUIRED, parts};
use crate::check;
use crate::plan::Plan;
use crate::signature::Handler;
use proc_macro2::{Literal, Span, TokenStream};
use quote::quote_spanned;

pub(crate) const ACTIX: Flavour = Flavour {
    keys: HTTP_KEYS,
    required: HTTP_REQUIRED,
    route_macros: &[
        "connect", "delete", "get", "head", "options", "patch", "post", "put", "route", "routes",
        "trace",
    ],
    max_parameters: 16,
    signature: check::handler,
    answers_http: true,
    expand,
};

/// Input:
/// ```text
/// #[idempotent(ttl = "24h", scope = "tenant")]
/// async fn create(tenant: Tenant, Json(payment): Json<NewPayment>) -> StoredResponse { body }
/// ```
/// Output:
/// ```text
/// async fn create(call: Guarded) -> Response {
///     async fn create(tenant: Tenant, Json(payment): Json<NewPayment>) -> StoredResponse { body }
///     let policy = const { &Policy::new(24 hours, Guarantee::AtMostOnce) };
///     let call = match call.admit::<(Tenant, Json<NewPayment>,)>(policy).await {
///         Ok(call) => call,
///         Err(refused) => return refused,
///     };
///     let scope = { let tenant = &call.arguments().0; Scope::of(tenant) };
///     call.run(scope, move |(arg0, arg1,)| create(arg0, arg1,)).await
/// }
/// ```
/// The types stand in the body, not in the parameter: a type that is no extractor is then named by
/// rustc, while in the parameter it would only make the function no handler.
fn expand(handler: &Handler, plan: &Plan) -> TokenStream {
    let site = Span::mixed_site();
    let private = quote_spanned!(site=> ::idem_actix::__private);
    let attrs = handler.attrs.iter().filter(parts::is_outer);
    let (vis, sig) = (&handler.vis, &handler.sig);
    let (asyncness, fn_token, name) = (&sig.asyncness, &sig.fn_token, &sig.ident);
    let response = quote_spanned!(parts::output(handler)=> -> #private::Response);
    let place = |position| {
        let position = Literal::usize_unsuffixed(position);
        quote_spanned!(site=> &__call.arguments().#position)
    };
    let guarded = parts::guarded(&private, handler, plan, &place, (admit(handler), run(handler)));
    let body = parts::block(handler, guarded);
    quote_spanned! {site=>
        #(#attrs)*
        #vis #asyncness #fn_token #name(__call: #private::Guarded) #response #body
    }
}

/// `call.admit::<(Tenant, Json<NewPayment>,)>(policy).await`, where a type that is no extractor is
/// refused: hence at the parameters.
fn admit(handler: &Handler) -> TokenStream {
    let types = handler.parameters().map(|parameter| &parameter.ty);
    let site = Span::mixed_site().located_at(handler.sig.paren_token.span.join());
    quote_spanned!(site=> __call.admit::<(#(#types,)*)>(__policy).await)
}

/// `call.run(scope, move |(arg0, arg1,)| create(arg0, arg1,)).await`, where a return type that is no
/// response is refused: hence at that type.
fn run(handler: &Handler) -> TokenStream {
    let name = handler.name();
    let arguments: Vec<_> =
        handler.parameters().enumerate().map(|(position, _)| parts::argument(position)).collect();
    let closure = quote_spanned! {parts::at(name)=>
        move |(#(#arguments,)*)| #name(#(#arguments,)*)
    };
    quote_spanned!(parts::output(handler)=> __call.run(__scope, #closure).await)
}
