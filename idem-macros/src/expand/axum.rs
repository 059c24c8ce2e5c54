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
/// async fn create_unguarded(tenant: Tenant, Json(payment): Json<NewPayment>) -> Receipt { body }
///
/// async fn create<__State: ProvidesIdempotency<__Place>, __Via: 'static, __Place>(
///     First(arg0): First<Tenant>,
///     call: Guarded<Json<NewPayment>, (__State, __Via, __Place)>,
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
///     let scope = { let tenant = &arg0; Scope::of(&scope_part(tenant)) };
///     call.run(scope, move |last| create(arg0, last)).await
/// }
/// ```
/// The router's state and the kind of the last extractor are type parameters with bounds, so that rustc reports
/// a bound that is not met. Inside an extractor, it would only report that the function is not a handler.
///
/// A handler with type parameters of its own keeps exactly these, so that they can be named in `post(create::<R>)`. The
/// others become one anonymous parameter: `call: Guarded<Json<NewPayment>, impl Admits<Json<NewPayment>>>`.
pub(super) fn expand(handler: &Handler, attribute: &Attribute) -> TokenStream {
    let site = Span::mixed_site();
    let private = parts::private(attribute);
    let attrs = handler.attrs.iter().filter(parts::is_outer);
    let (vis, sig) = (&handler.vis, &handler.sig);
    let (asyncness, fn_token, name) = (&sig.asyncness, &sig.fn_token, &sig.ident);
    let (generics, mount, bounds) = generics(&private, handler);
    let parameters = parameters(&private, handler, &mount);
    let unguarded = parts::unguarded(handler, &parts::used(handler, attribute));
    let response = quote_spanned!(parts::output(handler)=> -> #private::Response);
    let body = parts::block(handler, body(&private, handler, attribute));
    quote_spanned! {site=>
        #unguarded
        #(#attrs)*
        #vis #asyncness #fn_token #name #generics(#parameters) #response
        #bounds
        #body
    }
}

/// The type parameters of the generated function, the mount of its `Guarded`, and the bounds.
fn generics(private: &TokenStream, handler: &Handler) -> (TokenStream, TokenStream, TokenStream) {
    let site = Span::mixed_site();
    let (generics, last) = (parts::generics(handler), last_type(handler));
    if handler.is_generic() {
        let mount = quote_spanned!(site=> impl #private::Admits<#last>);
        let bounds = generics.where_clause.to_token_stream();
        return (generics.to_token_stream(), mount, bounds);
    }
    let params = quote_spanned! {site=>
        <__State: #private::ProvidesIdempotency<__Place>, __Via: 'static, __Place>
    };
    let mount = quote_spanned!(site=> (__State, __Via, __Place));
    let is_extractor =
        quote_spanned!(parts::at(&last)=> #last: #private::FromRequest<__State, __Via>);
    let others = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    (params, mount, quote_spanned!(site=> where #(#others,)* #is_extractor,))
}

fn parameters(private: &TokenStream, handler: &Handler, mount: &TokenStream) -> TokenStream {
    let (first, _) = split_last(handler);
    let first = first.iter().enumerate().map(|(position, parameter)| {
        let (name, ty) = (parts::argument(position), &parameter.ty);
        match position {
            0 => quote_spanned!(parts::at(ty)=> #private::First(#name): #private::First<#ty>),
            _ => quote_spanned!(Span::mixed_site()=> #name: #ty),
        }
    });
    let last = last_type(handler);
    let guarded = quote_spanned!(parts::at(&last)=> #private::Guarded<#last, #mount>);
    quote_spanned!(Span::mixed_site()=> #(#first,)* __call: #guarded)
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
    let (name, function) = (handler.name(), parts::function(handler));
    let (first, last) = split_last(handler);
    let arguments = (0..first.len()).map(parts::argument);
    let closure = match last {
        Some(_) => quote_spanned! {parts::at(name)=>
            move |__last| #function(#(#arguments,)* __last)
        },
        None => quote_spanned!(parts::at(name)=> move |()| #function()),
    };
    quote_spanned!(parts::output(handler)=> __call.run(__scope, #closure).await)
}

/// `call.run_recoverable(scope, (arg0,), hook, |((arg0,), last)| create(arg0, last)).await`, if the attribute has
/// `recover`.
fn run_recoverable(private: &TokenStream, handler: &Handler, recover: &Expression) -> TokenStream {
    let site = Span::mixed_site();
    let (name, function) = (handler.name(), parts::function(handler));
    let (first, last) = split_last(handler);
    let arguments: Vec<_> = (0..first.len()).map(parts::argument).collect();
    let param_ref = |position| match Literal::usize_unsuffixed(position) {
        _ if position == first.len() => quote_spanned!(site=> &__args.1),
        position => quote_spanned!(site=> &__args.0.#position),
    };
    let hook = parts::hook(private, handler, recover, &param_ref);
    let last = last.map(|_| quote_spanned!(site=> __last));
    let closure = quote_spanned! {parts::at(name)=>
        |((#(#arguments,)*), __last)| #function(#(#arguments,)* #last)
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
