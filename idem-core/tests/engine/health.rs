//! The health of the store.

use std::future::pending;
use std::time::Duration;

use idem_core::http::health_response;
use idem_core::store::{HealthIssue, StoreError, StoreFuture};
use idem_core::{Health, HealthStatus, Idempotency, MemoryStore};
use tokio::time::Instant;

use crate::support::{AT_MOST_ONCE, CheckedStore, Service, done, ran};

const TIMEOUT: Duration = Duration::from_secs(2);

fn handle(store: CheckedStore) -> Idempotency {
    Idempotency::builder(store).store_timeout(TIMEOUT).build()
}

fn document(health: &Health) -> (u16, String) {
    let response = health_response(health);
    (response.status, String::from_utf8(response.body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_store_without_problems_passes() {
    let idempotency = Idempotency::new(MemoryStore::new());
    let health = idempotency.health().await;
    assert_eq!((health.status(), health.name), (HealthStatus::Pass, "memory"));
    assert!(health.is_store_up());
    let (status, body) = document(&health);
    assert_eq!(status, 200);
    assert!(body.contains(r#""status":"pass""#), "{body}");

    let _ = idempotency.drain(Duration::ZERO).await;
    let health = idempotency.health().await;
    assert_eq!((health.status(), health.draining), (HealthStatus::Fail, true));
    assert_eq!(document(&health).0, 503);
}

/// The thread that renews leases ends, so the connections of the store are closed.
#[tokio::test]
async fn a_dropped_handle_drops_its_store() {
    let (held, dropped) = std::sync::mpsc::channel::<()>();
    let service = Service::new(CheckedStore::new(move || {
        let _ = &held;
        StoreFuture::ready(Ok(Vec::new()))
    }));
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("first")).await, ran("first"));
    drop(service);
    let ended = dropped.recv_timeout(Duration::from_secs(30));
    assert_eq!(ended, Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
}

#[tokio::test]
async fn issues_are_warnings() {
    let idempotency = handle(CheckedStore::new(|| {
        StoreFuture::ready(Ok(vec![HealthIssue::new("`maxmemory-policy` is `allkeys-lru`")]))
    }));
    let health = idempotency.health().await;
    assert_eq!(health.status(), HealthStatus::Warn);
    let (status, body) = document(&health);
    assert_eq!(status, 200);
    assert!(body.contains(r#""notes":["`maxmemory-policy` is `allkeys-lru`"]"#), "{body}");
}

/// The source of the error can contain addresses, so it is only logged.
#[tokio::test]
async fn a_store_that_fails_is_down_without_details() {
    let idempotency = handle(CheckedStore::new(|| {
        StoreFuture::ready(Err(StoreError::not_done("10.0.0.7:6379")))
    }));
    let health = idempotency.health().await;
    assert_eq!((health.status(), health.is_store_up()), (HealthStatus::Fail, false));
    let (status, body) = document(&health);
    assert_eq!(status, 503);
    assert!(body.contains(r#""status":"fail""#) && !body.contains("10.0.0.7"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_down_after_the_store_timeout() {
    let idempotency = handle(CheckedStore::new(|| StoreFuture::new(pending())));
    let started = Instant::now();
    assert_eq!(idempotency.health().await.status(), HealthStatus::Fail);
    assert_eq!(started.elapsed(), TIMEOUT);
}

/// All calls within a second share one check, also concurrent ones.
#[tokio::test]
async fn a_result_is_kept() {
    let store = CheckedStore::new(|| StoreFuture::ready(Ok(Vec::new())));
    let idempotency = handle(store.clone());
    let began = Instant::now();
    for _ in 0..100 {
        let both = futures_util::future::join(idempotency.health(), idempotency.health()).await;
        assert_eq!((both.0.status(), both.1.status()), (HealthStatus::Pass, HealthStatus::Pass));
    }
    let checks = store.checks() as u64;
    // A busy machine may need several seconds.
    let seconds = began.elapsed().as_secs();
    assert!(checks <= 1 + seconds, "{checks} checks in {seconds} s");
}
