//! A scope has its quota in transactions too (R41).

use std::num::NonZeroU32;

use idem_core::{Capacity, Rejection, Scope, ScopeParts, ScopeValue};

use crate::support::{
    AT_ONCE, answering, call_in, effects, executed_with, found, replayed_with, server, service,
};

/// May have two keys.
struct Tenant;

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push("tenant");
    }

    fn quota(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(2)
    }
}

#[tokio::test]
async fn full_scope_opens_no_transaction() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let pay = async |key: &str, status| {
        let handler = move |tx| answering(tx, status);
        call_in(Scope::of(&Tenant), &service, &AT_ONCE, key, handler).await
    };
    executed_with(&pay("one", 201).await, 201);
    executed_with(&pay("refused", 402).await, 402);
    let full = pay("three", 201).await;
    assert!(matches!(full, Err(Rejection::TooManyKeys(Capacity::Scope))), "{full:?}");
    replayed_with(&pay("one", 201).await, 201);
    replayed_with(&pay("refused", 201).await, 402);
    assert_eq!(effects(&server), found("1", "2 of 2"));
}
