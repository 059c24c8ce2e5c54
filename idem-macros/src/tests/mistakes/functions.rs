//! Mistakes that only plain functions can have.

use super::{assert_starts, messages_for};
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

/// The messages for these arguments of a valid function.
fn args(args: TokenStream) -> Vec<String> {
    messages(args, &consumer())
}

/// The messages for this function with valid arguments.
fn signature(item: &TokenStream) -> Vec<String> {
    messages(good(), item)
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
        assert_starts(&messages(misspelt, &item), ["unknown key"]);
    }
}

#[test]
fn the_handle_cannot_be_used_in_expressions() {
    let good = good();
    for written in [
        quote!(
            ttl = "7d",
            scope = "idempotency.header()",
            key = "event.id",
            guarantee = "at-most-once"
        ),
        quote!(#good, fingerprint = "(event, idempotency)"),
    ] {
        assert_starts(&args(written), ["`idempotency` is the `Idempotency`"]);
    }
}

#[test]
fn an_expression_uses_a_parameter() {
    let item = quote!(
        async fn place(idempotency: &Idempotency) -> Result<(), E> {}
    );
    let no_other = "`id` is not a parameter of `place`, which has no parameters except the \
                    `Idempotency`; add one";
    let written = quote!(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once");
    assert_eq!(messages(written, &item), [no_other]);
    let good = good();
    let handle = args(quote!(#good, idempotency = "ctx.idempotency"));
    assert_starts(&handle, ["`ctx.idempotency` does not use a parameter of `place`"]);
}

#[test]
fn the_signature_of_a_function() {
    let unsafe_function = quote!(
        async unsafe fn place(idempotency: &Idempotency, event: &Event) -> Result<(), E> {}
    );
    let expected = "a guarded function cannot be `unsafe`; write an `unsafe` block in its body";
    assert_eq!(signature(&unsafe_function), [expected]);
    let hidden = quote!(
        async fn place(idempotency: &Idempotency, event: &Event) -> Result<impl Sized, E> {}
    );
    let expected =
        "the return type cannot be `impl Trait`, because it is stored; write the concrete type";
    assert_eq!(signature(&hidden), [expected]);
    for returned in [quote!(Option<u64>), quote!((u64, u64))] {
        let item = quote!(async fn place(idempotency: &Idempotency, event: &Event) -> #returned {});
        assert_starts(&signature(&item), ["a guarded function must return a `Result`"]);
    }
}

#[test]
fn a_transaction_has_a_name_and_needs_no_guarantee() {
    let with = |parameter: TokenStream| {
        let item = quote!(
            async fn place(idempotency: &Idempotency, event: &Event, #parameter) -> Result<(), E> {}
        );
        messages(quote!(ttl = "7d", scope = "global", key = "event.id"), &item)
    };
    assert_eq!(with(quote!(_: Tx)), ["the `Tx` has no name; write `mut tx: Tx`"]);
    assert_eq!(with(quote!(mut tx: Tx)), [""; 0]);
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
