//! The exact message of every mistake.

mod args;
mod durations;
mod expressions;
mod functions;
mod placement;
mod signature;

use super::{expand, message};
use crate::target::Target;
use proc_macro2::TokenStream;
use quote::quote;

/// The messages for an axum handler.
fn messages(args: TokenStream, item: &TokenStream) -> Vec<String> {
    messages_for(Target::Axum, args, item)
}

fn messages_for(target: Target, args: TokenStream, item: &TokenStream) -> Vec<String> {
    expand(target, args, item).items.iter().filter_map(message).collect()
}

fn handler() -> TokenStream {
    quote! {
        async fn create(State(app): State<App>, tenant: Tenant, Json(payment): Json<New>) -> StoredResponse {}
    }
}

/// Asserts that the arguments have one mistake with this message.
#[track_caller]
fn args(args: TokenStream, expected: &str) {
    assert_eq!(messages(args, &handler()), [expected]);
}

/// Asserts that the function has one mistake with this message.
#[track_caller]
fn signature(item: &TokenStream, expected: &str) {
    let args = quote!(ttl = "24h", scope = "tenant");
    assert_eq!(messages(args, item), [expected]);
}

/// Asserts that the arguments, next to a valid `ttl` and `scope`, have one mistake with this message.
#[track_caller]
fn more(more: &TokenStream, expected: &str) {
    args(quote!(ttl = "24h", scope = "tenant", #more), expected);
}

#[test]
fn all_mistakes_are_reported_together() {
    let found = messages(
        quote!(ttl = "24", scop = "tenant", wait = "0s", max_attempts = 0, key = "event"),
        &quote!(
            fn create<'a>(tenant: T, body: impl Body) {}
        ),
    );
    assert_eq!(found.len(), 9, "{found:#?}");
}

#[test]
fn valid_arguments_give_no_message() {
    for args in [
        quote!(ttl = "2s", scope = "tenant"),
        quote!(ttl = "30s", scope = "global", lease = "30s", max_run = "30s",),
        quote!(ttl = "1h", scope = "tenant", lease = "100ms", wait = "1ms"),
        quote!(
            ttl = "1h",
            scope = "tenant",
            guarantee = "at-least-once",
            max_attempts = 4294967295
        ),
        quote!(ttl = "1h", scope = "tenant", syntax = "lenient", optional),
        quote!(ttl = "24h", scope = "tenant", hold = "24h", label = "payment.order"),
        quote!(ttl = "24h", scope = "tenant", recover = "find(app)", settle = "0s"),
        quote!(
            ttl = "1s",
            scope = "tenant",
            recover = "find(app)",
            settle = "30s",
            hold = "30001ms"
        ),
    ] {
        assert!(messages(args.clone(), &handler()).is_empty(), "{args}");
    }
}
