//! The messages for inputs that have no compile-fail case in `testing/ui`.
//!
//! The whole text of a message is asserted once. A mistake that users are likely to make has a case in `testing/ui/tests`.
//! Its `.stderr` snapshot holds the text, and shows the token too. These inputs belong here:
//!
//! - A mistake without a case. Its exact text is asserted.
//! - Another spelling of a mistake that has a case, or a value next to a limit. The start of the message is asserted.
//! - Several mistakes in one attribute, where the number of messages matters.
//! - Arguments and functions without a mistake.

mod args;
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

/// The messages for these arguments of a valid handler.
fn args(args: TokenStream) -> Vec<String> {
    messages(args, &handler())
}

/// The messages for these arguments next to a valid `ttl` and `scope`.
fn more(more: &TokenStream) -> Vec<String> {
    args(quote!(ttl = "24h", scope = "tenant", #more))
}

/// The messages for this function with valid arguments.
fn signature(item: &TokenStream) -> Vec<String> {
    messages(quote!(ttl = "24h", scope = "tenant"), item)
}

/// Asserts that there is one message for each start, in this order. The snapshots hold the whole texts.
#[track_caller]
fn assert_starts<const N: usize>(messages: &[String], starts: [&str; N]) {
    let start = |(message, start): (&String, &str)| message.starts_with(start);
    assert!(messages.len() == N && messages.iter().zip(starts).all(start), "{messages:#?}");
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
    for written in [
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
        quote!(ttl = "24h", scope = "tenant", format = "uuidv7", max_age = "24h"),
        quote!(ttl = "24h", scope = "tenant", recover = "find(app)", settle = "0s"),
        quote!(
            ttl = "1s",
            scope = "tenant",
            recover = "find(app)",
            settle = "30s",
            hold = "30001ms"
        ),
    ] {
        assert_eq!(args(written.clone()), [""; 0], "{written}");
    }
}
