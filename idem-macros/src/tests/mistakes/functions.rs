//! Mistakes that only plain functions can have.

use super::messages_for;
use crate::target::Target;
use proc_macro2::TokenStream;
use quote::quote;

fn messages(args: TokenStream, item: &TokenStream) -> Vec<String> {
    messages_for(Target::Function, args, item)
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
fn the_names_of_arguments() {
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
        assert!(message.starts_with("unknown key"), "{message}");
    }
}

#[test]
fn a_misspelt_key_is_not_reported_as_missing_too() {
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
fn raw_is_not_accepted_without_a_request_body() {
    let good = good();
    args(
        quote!(#good, fingerprint = "raw"),
        "`raw` is not a parameter of `place`; write one of: `event`, `app`",
    );
}

#[test]
fn the_handle_cannot_be_used_in_expressions() {
    let message = |text: &str| {
        format!(
            "`{text}` is the `Idempotency` and does not identify the call; write an expression over \
             the other parameters"
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
fn a_function_needs_a_parameter_besides_the_handle() {
    let item = quote!(
        async fn place(idempotency: &Idempotency) -> Result<(), E> {}
    );
    let args = quote!(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once");
    let expected = "`id` is not a parameter of `place`, which has no parameters except the \
                    `Idempotency`; add one";
    assert_eq!(messages(args, &item), [expected]);
}

#[test]
fn the_handle_is_one_named_parameter() {
    signature(
        &quote!(
            async fn place(event: &Event) -> Result<(), E> {}
        ),
        "`place` has no parameter of type `Idempotency`; add `idempotency: &Idempotency`, or write \
         where it is, such as `idempotency = \"ctx.idempotency\"`",
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
        "the parameter of type `Idempotency` has no name; write `idempotency: &Idempotency`",
    );
    let good = good();
    args(
        quote!(#good, idempotency = "ctx.idempotency"),
        "`ctx.idempotency` does not use a parameter of `place`; write one of: `event`, `app`",
    );
}

#[test]
fn the_signature_of_a_function() {
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
        "`place` must return a `Result` so that rejections can be reported; write `-> Result<(), E>`",
    );
    for returned in ["u64", "Option<u64>", "(u64, u64)"] {
        let ty: TokenStream = returned.parse().unwrap_or_default();
        signature(
            &quote!(async fn place(idempotency: &Idempotency, event: &Event) -> #ty {}),
            &format!(
                "a guarded function must return a `Result` so that rejections can be reported; write `-> \
                 Result<{returned}, E>`"
            ),
        );
    }
    signature(
        &quote!(
            async fn place(idempotency: &Idempotency, event: &Event) -> Result<impl Sized, E> {}
        ),
        "the return type cannot be `impl Trait`, because it is stored; write the concrete type",
    );
}

#[test]
fn a_transaction_is_owned_and_named() {
    let good = quote!(ttl = "7d", scope = "global", key = "event.id");
    for (parameter, expected) in [
        (
            quote!(tx: &mut Tx),
            "a function owns its `Tx`, because the transaction ends with the function; write `mut tx: Tx`, \
             and call it with `Tx::default()`",
        ),
        (quote!(_: Tx), "the `Tx` has no name; write `mut tx: Tx`"),
    ] {
        let item = quote!(
            async fn place(idempotency: &Idempotency, event: &Event, #parameter) -> Result<(), E> {}
        );
        assert_eq!(messages(good.clone(), &item), [expected]);
    }
    let item = quote!(
        async fn place(idempotency: &Idempotency, event: &Event, mut tx: Tx) -> Result<(), E> {}
    );
    assert_eq!(messages(good, &item), [""; 0], "it needs no guarantee");
}

#[test]
fn shared_names_need_an_operation() {
    signature(
        &quote!(
            async fn handle(&self, idempotency: &Idempotency, event: &Event) -> Result<(), E> {}
        ),
        "a method needs an `operation`, because all methods named `handle` would share their keys; \
         write one, such as `operation = \"orders.handle\"`",
    );
    signature(
        &quote!(
            async fn handle<'a, T: Event>(idempotency: &'a Idempotency, event: T) -> Result<(), E> {
            }
        ),
        "a generic function needs an `operation`, because all types `T` share its keys; write \
         `operation = \"…\"`, and put what distinguishes the types into `key` or `scope`",
    );
}

#[test]
fn valid_functions_give_no_message() {
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
            good.clone(),
            quote!(
                async fn place(
                    idempotency: std::sync::Arc<Idempotency>,
                    event: Event,
                ) -> Result<(), E> {
                }
            ),
        ),
        (quote!(policy = "ORDERS", scope = "event.tenant", key = "event.id"), consumer()),
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
