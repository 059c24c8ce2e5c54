//! What the flavour for plain functions says of mistakes that it alone knows.

use super::mistakes::message;
use super::{function, is_mistake};
use proc_macro2::TokenStream;
use quote::quote;

fn messages(args: TokenStream, item: &TokenStream) -> Vec<String> {
    let items = function(args, item).items;
    items.iter().filter(|item| is_mistake(item)).map(message).collect()
}

fn consumer() -> TokenStream {
    quote! {
        async fn place(idempotency: &Idempotency, event: &Event, app: &App) -> Result<(), E> {}
    }
}

fn good() -> TokenStream {
    quote!(ttl = "7d", scope = "event.tenant", key = "event.id", guarantee = "at-most-once")
}

#[track_caller]
fn args(args: TokenStream, expected: &str) {
    assert_eq!(messages(args, &consumer()), [expected]);
}

#[track_caller]
fn signature(item: &TokenStream, expected: &str) {
    assert_eq!(messages(good(), item), [expected]);
}

#[test]
fn keys() {
    args(
        quote!(ttl = "7d", scope = "global", guarantee = "at-most-once"),
        "`key` is missing; write `key = \"event.id\"`",
    );
    args(
        quote!(ttl = "7d", scope = "global", key = "event.id"),
        "`guarantee` is missing; write `guarantee = \"at-most-once\"`",
    );
    let good = good();
    for http_only in [quote!(optional), quote!(syntax = "strict")] {
        let [message] = &messages(quote!(#good, #http_only), &consumer())[..] else {
            panic!("{http_only}")
        };
        assert!(message.contains("is not a key of this attribute"), "{message}");
    }
}

#[test]
fn a_misspelt_key_is_not_missing_too() {
    let good = good();
    let generic = quote!(
        async fn place<T>(idempotency: &Idempotency, event: T) -> Result<(), E> {}
    );
    let no_handle = quote!(
        async fn place(ctx: &Ctx, event: &Event) -> Result<(), E> {}
    );
    for (misspelt, item) in [
        (
            quote!(ttl = "7d", scope = "global", kye = "event.id", guarantee = "at-most-once"),
            consumer(),
        ),
        (
            quote!(ttl = "7d", scope = "global", key = "event.id", garantee = "at-most-once"),
            consumer(),
        ),
        (quote!(#good, operatoin = "place"), generic),
        (quote!(#good, idempotenc = "ctx.idempotency"), no_handle),
    ] {
        let messages = messages(misspelt, &item);
        assert!(matches!(&messages[..], [one] if one.contains("did you mean")), "{messages:?}");
    }
}

#[test]
fn raw_is_no_fingerprint_without_a_body() {
    let good = good();
    args(
        quote!(#good, fingerprint = "raw"),
        "`raw` names no parameter of `place`; write one of: `event`, `app`",
    );
}

#[test]
fn the_handle_is_no_material() {
    let message = |text: &str| {
        format!(
            "`{text}` is the handle and says nothing about the call; write an expression over the other \
             parameters"
        )
    };
    args(
        quote!(
            ttl = "7d",
            scope = "idempotency.header()",
            key = "event.id",
            guarantee = "at-most-once"
        ),
        &message("idempotency"),
    );
    args(
        quote!(ttl = "7d", scope = "global", key = "idempotency", guarantee = "at-most-once"),
        &message("idempotency"),
    );
    let good = good();
    args(quote!(#good, fingerprint = "(event, idempotency)"), &message("idempotency"));
}

#[test]
fn handles() {
    signature(
        &quote!(
            async fn place(event: &Event) -> Result<(), E> {}
        ),
        "`place` has no `Idempotency`; add a parameter `idempotency: &Idempotency`, or write where it \
         is, such as `idempotency = \"ctx.idempotency\"`",
    );
    signature(
        &quote!(
            async fn place(a: &Idempotency, event: &Event, b: Idempotency) -> Result<(), E> {}
        ),
        "`place` has two parameters of type `Idempotency`; write `idempotency = \"…\"` with the name of \
         the one to use",
    );
    signature(
        &quote!(
            async fn place(_: &Idempotency, event: &Event) -> Result<(), E> {}
        ),
        "this `Idempotency` has no name; write `idempotency: &Idempotency`",
    );
    let good = good();
    args(
        quote!(#good, idempotency = "ctx.idempotency"),
        "`ctx.idempotency` names no parameter of `place`; write one of: `event`, `app`",
    );
}

#[test]
fn signatures() {
    signature(
        &quote!(
            fn place(idempotency: &Idempotency, event: &Event) -> Result<(), E> {}
        ),
        "`place` must be async; write `async fn`",
    );
    signature(
        &quote!(
            async unsafe fn place(idempotency: &Idempotency, event: &Event) -> Result<(), E> {}
        ),
        "a guarded function cannot be `unsafe`; write an `unsafe` block in its body",
    );
    signature(
        &quote!(
            async fn place(idempotency: &Idempotency, event: &Event) {}
        ),
        "`place` returns nothing, so nobody would learn that it was refused; write `-> Result<(), E>`",
    );
    signature(
        &quote!(
            async fn place(idempotency: &Idempotency, event: &Event) -> Result<impl Sized, E> {}
        ),
        "`impl Trait` hides the type to store; write the concrete type",
    );
}

#[test]
fn names_that_others_have_need_an_operation() {
    signature(
        &quote!(
            async fn handle(&self, idempotency: &Idempotency, event: &Event) -> Result<(), E> {}
        ),
        "every method `handle` would share its keys with this one; write a name of its own, such as \
         `operation = \"orders.handle\"`",
    );
    signature(
        &quote!(
            async fn handle<'a, T: Event>(idempotency: &'a Idempotency, event: T) -> Result<(), E> {
            }
        ),
        "`handle` shares its keys among all types `T`; write `operation = \"…\"`, and in `key` or \
         `scope` what tells the types apart",
    );
}

#[test]
fn what_is_allowed_gives_no_message() {
    let good = good();
    let named = quote!(#good, operation = "orders.place", idempotency = "self.idempotency");
    let keyed = quote!(
        ttl = "7d",
        scope = "self",
        operation = "orders.place",
        key = "self.id",
        guarantee = "at-least-once",
        max_attempts = 5
    );
    for (args, item) in [
        (
            named.clone(),
            quote!(
                async fn place(&self, event: &Event) -> Result<(), E> {}
            ),
        ),
        (
            keyed,
            quote!(
                async fn place(self, idempotency: &Idempotency) -> Result<(), E> {}
            ),
        ),
        (
            named,
            quote!(
                pub async fn place<'a, T>(&mut self, event: &'a Event, f: impl Fn()) -> Result<T, E>
                where
                    T: Good,
                {
                }
            ),
        ),
    ] {
        assert_eq!(messages(args, &item), [""; 0], "{item}");
    }
}
