//! The function flavour: the function keeps its signature, and its body is polled if the key is new.

use super::{FUNCTION_KEYS, FUNCTION_REQUIRED, Flavour, parts};
use crate::bindings;
use crate::check;
use crate::plan::{Plan, Source};
use crate::signature::Handler;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ReturnType;
use syn::ext::IdentExt;

pub(crate) const FUNCTION: Flavour = Flavour {
    keys: FUNCTION_KEYS,
    required: FUNCTION_REQUIRED,
    route_macros: &[],
    max_parameters: usize::MAX,
    signature: check::function,
    answers_http: false,
    expand,
};

/// Input:
/// ```text
/// #[idempotent(ttl = "7d", scope = "event.tenant", key = "event.id", guarantee = "at-least-once")]
/// async fn place(idempotency: &Idempotency, event: &Placed) -> Result<Receipt, OrderError> { body }
/// ```
/// Output:
/// ```text
/// async fn place(idempotency: &Idempotency, event: &Placed) -> Result<Receipt, OrderError> {
///     let policy = const { &Policy::new(7 days, Guarantee::AtLeastOnce) };
///     let scope = { let event = &event; Scope::of(&(event.tenant)) };
///     let key = { let event = &event; IdempotencyKey::of(&(event.id)) };
///     let call = Invocation::new(&(idempotency), policy, "place", scope, key);
///     let body = pin!(async move {
///         if let Some(returned) = None::<Result<Receipt, OrderError>> { return returned; }
///         'body: { body }
///     });
///     call.run(body).await
/// }
/// ```
/// The body stays where its parameters are, so that they may be borrowed, `self` among them. It is pinned,
/// because a future that is handed on by value takes up its room again in each that it is handed to.
fn expand(handler: &Handler, plan: &Plan) -> TokenStream {
    let Handler { attrs, vis, sig, .. } = handler;
    let body = parts::block(handler, guarded(handler, plan));
    quote_spanned!(Span::mixed_site()=> #(#attrs)* #vis #sig #body)
}

fn guarded(handler: &Handler, plan: &Plan) -> TokenStream {
    let site = Span::mixed_site();
    let private = quote_spanned!(site=> ::idem_core::__private);
    let rebind = |mentions: &[String]| rebind(handler, mentions);
    let policy = parts::policy(&private, plan);
    let scope = parts::scope(&private, &plan.scope, &rebind);
    let call = call(&private, handler, plan, &rebind);
    let fingerprint = parts::fingerprint(&private, plan, &rebind);
    let body = body(handler);
    let run = quote_spanned!(parts::output(handler)=> __call.run(__body).await);
    quote_spanned! {site=>
        let __policy = const { &#policy };
        let __scope = #scope;
        #call
        #fingerprint
        let __body = ::core::pin::pin!(#body);
        #run
    }
}

/// `let key = …; let call = Invocation::new(&(idempotency), policy, "place", scope, key);`
fn call(
    private: &TokenStream,
    handler: &Handler,
    plan: &Plan,
    rebind: parts::Rebind<'_>,
) -> TokenStream {
    let site = Span::mixed_site();
    let name = handler.name().unraw().to_string();
    let (Source::Argument(key), Some(handle)) = (&plan.source, &plan.handle) else {
        unreachable!("a function without a key or a handle was reported");
    };
    let path = quote_spanned!(site=> #private::IdempotencyKey);
    let key = parts::value_of(&path, key, rebind);
    let handle = quote_spanned!(parts::at(handle)=> &(#handle));
    quote_spanned! {site=>
        let __key = #key;
        let __call = #private::Invocation::new(#handle, __policy, #name, __scope, __key);
    }
}

/// The user's body as a future. What it returns is written out, because rustc does not tell the inside of
/// an `async` block what the outside expects.
fn body(handler: &Handler) -> TokenStream {
    let body = parts::nested_body(handler);
    let ty = match &handler.sig.output {
        ReturnType::Type(_, ty) => ty.to_token_stream(),
        ReturnType::Default => quote_spanned!(Span::mixed_site()=> ()),
    };
    quote_spanned! {Span::mixed_site()=>
        async move {
            if let ::core::option::Option::Some(__returned) = ::core::option::Option::None::<#ty> {
                return __returned;
            }
            #body
        }
    }
}

/// `let event = &event;`: no expression can move a parameter away.
fn rebind(handler: &Handler, mentions: &[String]) -> TokenStream {
    let bound = handler.parameters().flat_map(|parameter| bindings::names(&parameter.pat));
    let mentioned = bound.filter(|name| mentions.iter().any(|mention| name == mention));
    mentioned.map(|name| quote_spanned!(Span::mixed_site()=> let #name = &#name;)).collect()
}
