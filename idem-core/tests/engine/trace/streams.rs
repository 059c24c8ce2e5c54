//! Streams behind a key.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use idem_core::http::{Executed, Head, Scope, capture};
use idem_core::store::Headers;
use idem_core::{IdempotencyKey, MemoryStore};

use super::log::{logged, start_log};
use crate::support::{AT_MOST_ONCE, Service, ran, refused};

async fn streams(status: u16) -> Executed<String> {
    let headers = Headers::default();
    let head = Head { status, headers, declared: None, announced: 0, is_stream: true };
    let body = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"body"))]);
    capture(head, body, 1024, |_| status.to_string()).await
}

/// The log names each operation once. A failure is no stream.
#[tokio::test]
async fn a_stream_is_an_error_in_the_log_once_per_operation() {
    start_log();
    let service = Service::new(MemoryStore::new());
    for (path, key, status) in [
        ("/failing-streams", "1", 500),
        ("/streams", "1", 200),
        ("/streams", "2", 200),
        ("/other-streams", "1", 200),
    ] {
        let call = || {
            let key = IdempotencyKey::new(key).unwrap();
            let scope = Scope::global();
            service.idempotency.call(&AT_MOST_ONCE, &["POST", path], scope, &key).unwrap()
        };
        assert_eq!(service.run(call(), streams(status)).await, ran(&status.to_string()));
        if status == 200 {
            let retry = service.run(call(), streams(status)).await;
            assert_eq!(retry, refused("ResultUnavailable { status: 200 }"));
        }
    }
    let log = logged();
    let lines = |path: &str| {
        let names = format!("operation=\"POST {path}\"");
        log.lines()
            .filter(|line| line.contains("returned a stream") && line.contains(&names))
            .count()
    };
    assert_eq!(["/failing-streams", "/streams", "/other-streams"].map(lines), [0, 1, 1]);
}
