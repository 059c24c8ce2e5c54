//! Stored responses, which are returned byte for byte.

use bytes::Bytes;
use idem_core::store::{Completion, Headers, State, StoredResponse, UnknownReason, Update};

use crate::case::Case;
use crate::fixtures;
use crate::harness::StoreHarness;

/// Bodies of any bytes up to the default limit of 256 KiB are returned unchanged.
pub async fn bodies_are_replayed_byte_for_byte<S: StoreHarness>(case: Case<S>) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let large: Vec<u8> = (0..256 << 10).map(|n: u32| (n ^ n >> 8) as u8).collect();
    let text = "\u{0}\\x00 {}'\";\r\n\u{10FFFF}".as_bytes().to_vec();
    for body in [Vec::new(), vec![0], every_byte, large, text] {
        let mut response = fixtures::response("");
        response.body = Bytes::from(body);
        replays(&case, response).await;
    }
}

/// Header fields keep their order, number and bytes, valid UTF-8 or not.
pub async fn headers_are_replayed_byte_for_byte<S: StoreHarness>(case: Case<S>) {
    let repeated: Headers =
        [("link", b"</b>".as_slice()), ("etag", b"\"1\""), ("link", b"</a>"), ("link", b"</b>")]
            .into_iter()
            .collect();
    let visible: Vec<u8> = (0x80..=0xFF).chain([b'\t', b' ']).collect();
    let opaque: Headers =
        [("x-opaque", visible.as_slice()), ("x-empty", b"")].into_iter().collect();
    let many: Headers = (0..200)
        .map(|_| ("x-many", [b'v'; 80]))
        .collect::<Vec<_>>()
        .iter()
        .map(|(n, v)| (*n, &v[..]))
        .collect();
    for headers in [Headers::default(), repeated, opaque, many] {
        let mut response = fixtures::response("body");
        response.headers = headers;
        replays(&case, response).await;
    }
}

/// Every HTTP status is returned unchanged, also for a response that was not retained.
pub async fn statuses_are_replayed<S: StoreHarness>(case: Case<S>) {
    for status in
        [100, 199, 200, 201, 204, 206, 299, 301, 304, 400, 409, 422, 451, 499, 500, 503, 599]
    {
        let mut response = fixtures::response("status");
        response.status = status;
        replays(&case, response).await;
        let key = case.key();
        let claim = key.acquire(fixtures::at_most_once()).await;
        assert_eq!(key.complete(claim, Completion::NotRetained { status }).await, Update::Applied);
        assert_eq!(key.state().await, State::NotRetained { status });
    }
}

/// Stores `response`, and reads it as a duplicate and as a stale owner.
async fn replays<S: StoreHarness>(case: &Case<S>, response: StoredResponse) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once()).await;
    assert_eq!(key.complete(claim, Completion::Response(response.clone())).await, Update::Applied);
    let State::Completed(replayed) = key.state().await else {
        panic!("the response is not stored")
    };
    assert_same(&replayed, &response);
    let [forged, ..] = fixtures::forged(claim);
    let lost = key.complete(forged, fixtures::unknown(UnknownReason::TimedOut)).await;
    assert_eq!(lost, Update::Stale(Some(Box::new(fixtures::existing(State::Completed(response))))));
}

/// Compares part by part, because the `Debug` output of a response shows sizes only.
fn assert_same(replayed: &StoredResponse, stored: &StoredResponse) {
    assert_eq!(replayed.status, stored.status);
    assert_eq!(
        replayed.headers.iter().collect::<Vec<_>>(),
        stored.headers.iter().collect::<Vec<_>>()
    );
    assert!(replayed.body == stored.body, "the body of {} bytes changed", stored.body.len());
}
