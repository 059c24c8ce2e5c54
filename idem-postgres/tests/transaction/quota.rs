//! A scope has its quota in transactions too (R41).

use std::num::NonZeroU32;
use std::sync::Arc;

use idem_core::http::Scope;
use idem_core::store::Capacity;
use idem_core::{Rejection, ScopeParts, ScopeValue};
use tokio::sync::Barrier;

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
async fn full_scope_refuses_and_replays() {
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

/// A run that is not counted yet is under way all the same, also for its duplicate.
#[tokio::test]
async fn open_transaction_in_a_full_scope_is_in_progress() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let scope = || Scope::of(&Tenant);
    let gate = Arc::new(Barrier::new(2));
    let first = tokio::spawn({
        let (service, gate) = (service.clone(), Arc::clone(&gate));
        async move {
            let handler = move |tx| async move {
                gate.wait().await;
                gate.wait().await;
                answering(tx, 201).await
            };
            call_in(scope(), &service, &AT_ONCE, "first", handler).await
        }
    });
    gate.wait().await;
    for key in ["two", "three"] {
        let other = call_in(scope(), &service, &AT_ONCE, key, |tx| answering(tx, 201)).await;
        executed_with(&other, 201);
    }
    let again = call_in(scope(), &service, &AT_ONCE, "first", |tx| answering(tx, 201)).await;
    assert!(matches!(again, Err(Rejection::InProgress)), "{again:?}");
    gate.wait().await;
    executed_with(&first.await.unwrap(), 201);
    assert_eq!(effects(&server), found("3", "3 of 3"));
}
