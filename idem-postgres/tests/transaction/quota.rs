//! Quotas of scopes in transactions.

use std::num::NonZeroU32;
use std::sync::Arc;

use idem_core::http::Scope;
use idem_core::store::Capacity;
use idem_core::{Rejection, ScopeParts, ScopeValue};
use idem_testkit::servers::soon;
use tokio::sync::Barrier;

use crate::support::{
    NO_WAIT, assert_executed, assert_replayed, call_in, counts, expected, server, service,
    write_and_return,
};

/// A scope with a quota of two keys.
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
        let handler = move |tx| write_and_return(tx, status);
        call_in(Scope::of(&Tenant), &service, &NO_WAIT, key, handler).await
    };
    assert_executed(&pay("one", 201).await, 201);
    assert_executed(&pay("refused", 402).await, 402);
    let full = pay("three", 201).await;
    assert!(matches!(full, Err(Rejection::TooManyKeys(Capacity::Scope))), "{full:?}");
    assert_replayed(&pay("one", 201).await, 201);
    assert_replayed(&pay("refused", 201).await, 402);
    assert_eq!(counts(&server), expected("1", "2 of 2"));
}

/// A run that is not counted yet is still in progress for its duplicate.
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
                write_and_return(tx, 201).await
            };
            call_in(scope(), &service, &NO_WAIT, "first", handler).await
        }
    });
    soon("start of the first run", gate.wait()).await;
    for key in ["two", "three"] {
        let other = call_in(scope(), &service, &NO_WAIT, key, |tx| write_and_return(tx, 201)).await;
        assert_executed(&other, 201);
    }
    let again = call_in(scope(), &service, &NO_WAIT, "first", |tx| write_and_return(tx, 201)).await;
    assert!(matches!(again, Err(Rejection::InProgress)), "{again:?}");
    soon("wait of the first run", gate.wait()).await;
    assert_executed(&first.await.unwrap(), 201);
    assert_eq!(counts(&server), expected("3", "3 of 3"));
}
