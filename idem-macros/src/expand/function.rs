//! Code generation for plain functions: the signature stays, and the body is polled only for a new key.

use super::{parts, policy};
use crate::attribute::{Attribute, KeySource};
use crate::parse::bindings;
use crate::parse::expression::Expression;
use crate::parse::handler::Handler;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ReturnType;
use syn::ext::IdentExt;

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
///     let equality = { use compare::*; let probe = &Probe::of(&body); (probe.compare_ok(), probe.compare_err()) };
///     call.run(body, equality).await
/// }
/// ```
/// The body stays inside the function, so that it can borrow the parameters, including `self`. It is pinned,
/// because a future that is passed by value is stored again in every future that it is passed to. Which of two
/// traits `compare_ok` belongs to depends on whether the type has `PartialEq`. A glob import is never unused as a whole,
/// also in code that forbids unused imports.
pub(super) fn expand(handler: &Handler, attribute: &Attribute) -> TokenStream {
    let Handler { attrs, vis, sig, .. } = handler;
    let body = parts::block(handler, guarded(handler, attribute));
    quote_spanned!(Span::mixed_site()=> #(#attrs)* #vis #sig #body)
}

fn guarded(handler: &Handler, attribute: &Attribute) -> TokenStream {
    let site = Span::mixed_site();
    let private = parts::private(attribute);
    let rebind = |mentions: &[String]| rebind(handler, mentions);
    let policy = policy::policy(&private, attribute);
    let scope = parts::scope(&private, &attribute.scope, None, &rebind);
    let call = call(&private, handler, attribute, &rebind);
    let transaction = attribute.transaction.iter();
    let fingerprint = parts::fingerprint(&private, attribute, &rebind);
    let label = parts::label(attribute, &rebind);
    let recover = attribute
        .recover
        .as_ref()
        .map(|recover| self::recover(&private, handler, recover, &rebind));
    let body = body(handler);
    let run = quote_spanned!(parts::output(handler)=> __call.run(__body, __equality).await);
    quote_spanned! {site=>
        let __policy = #policy;
        let __scope = #scope;
        #call
        #(let __call = __call.in_transaction(#transaction.slot());)*
        #fingerprint
        #label
        #recover
        let __body = ::core::pin::pin!(#body);
        let __equality = {
            use #private::compare::*;
            let __probe = &Probe::of(&__body);
            (__probe.compare_ok(), __probe.compare_err())
        };
        #run
    }
}

/// `let key = …; let call = Invocation::new(&(idempotency), policy, "place", scope, key);`
fn call(
    private: &TokenStream,
    handler: &Handler,
    attribute: &Attribute,
    rebind: parts::Rebind<'_>,
) -> TokenStream {
    let site = Span::mixed_site();
    let name = handler.name().unraw().to_string();
    let (KeySource::Argument(key), Some(handle)) = (&attribute.key, &attribute.handle) else {
        unreachable!("a function without a key or an `Idempotency` is reported as an error");
    };
    let path = quote_spanned!(site=> #private::IdempotencyKey);
    let key = parts::value_of(&path, key, rebind);
    let handle = quote_spanned!(parts::at(handle)=> &(#handle));
    quote_spanned! {site=>
        let __key = #key;
        let __call = #private::Invocation::new(#handle, __policy, #name, __scope, __key);
    }
}

/// `let call = call.recover(async { let app = &app; recovery(find_charge(app).await) }).await;`. The `if let` states
/// the type of the value that the hook finds: the one that the function returns.
fn recover(
    private: &TokenStream,
    handler: &Handler,
    recover: &Expression,
    rebind: parts::Rebind<'_>,
) -> TokenStream {
    let (lets, recovery) = (rebind(&recover.mentions), parts::recovery(private, recover));
    let ty = return_type(handler);
    quote_spanned! {Span::mixed_site()=>
        let __call = __call.recover(async {
            if let ::core::option::Option::Some(::core::result::Result::Ok(__found)) =
                ::core::option::Option::None::<#ty>
            {
                return #private::Recovery::Happened(__found);
            }
            #lets
            #recovery
        }).await;
    }
}

/// The user's body as a future. The `if let` states its return type, because rustc does not infer the type of
/// an `async` block from where its result is used.
fn body(handler: &Handler) -> TokenStream {
    let body = parts::nested_body(handler);
    let ty = return_type(handler);
    quote_spanned! {Span::mixed_site()=>
        async move {
            if let ::core::option::Option::Some(__returned) = ::core::option::Option::None::<#ty> {
                return __returned;
            }
            #body
        }
    }
}

fn return_type(handler: &Handler) -> TokenStream {
    match &handler.sig.output {
        ReturnType::Type(_, ty) => ty.to_token_stream(),
        ReturnType::Default => quote_spanned!(Span::mixed_site()=> ()),
    }
}

/// `let event = &event;` for each mentioned parameter, so that an expression cannot move it.
fn rebind(handler: &Handler, mentions: &[String]) -> TokenStream {
    let bound = handler.parameters().flat_map(|parameter| bindings::names(&parameter.pat));
    let mentioned = bound.filter(|name| mentions.iter().any(|mention| name == mention));
    mentioned.map(|name| quote_spanned!(Span::mixed_site()=> let #name = &#name;)).collect()
}
