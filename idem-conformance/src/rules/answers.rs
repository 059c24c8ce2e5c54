//! R23, R24: a stored answer comes back byte for byte.

use bytes::Bytes;
use idem_core::store::{Completion, Headers, State, StoredResponse, Update};

use crate::subject::{Case, Subject};
use crate::terms;

/// R23: bodies of any bytes and any length up to the default bound of 256 KiB.
pub async fn bodies_come_back_byte_for_byte<S: Subject>(case: Case<S>) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let large: Vec<u8> = (0..256 << 10).map(|n: u32| (n ^ n >> 8) as u8).collect();
    let text = "\u{0}\\x00 {}'\";\r\n\u{10FFFF}".as_bytes().to_vec();
    for body in [Vec::new(), vec![0], every_byte, large, text] {
        replays(&case, StoredResponse { body: Bytes::from(body), ..terms::answer("") }).await;
    }
}

/// R24: header fields keep their order, number and bytes, UTF-8 or not.
pub async fn headers_come_back_byte_for_byte<S: Subject>(case: Case<S>) {
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
        replays(&case, StoredResponse { headers, ..terms::answer("body") }).await;
    }
}

/// R23: every status that HTTP has room for, and those of a not retained answer.
pub async fn statuses_come_back<S: Subject>(case: Case<S>) {
    for status in
        [100, 199, 200, 201, 204, 206, 299, 301, 304, 400, 409, 422, 451, 499, 500, 503, 599]
    {
        replays(&case, StoredResponse { status, ..terms::answer("status") }).await;
        let key = case.key();
        let claim = key.won(terms::at_most_once()).await;
        assert_eq!(key.complete(claim, Completion::NotRetained { status }).await, Update::Applied);
        assert_eq!(key.state().await, State::NotRetained { status });
    }
}

/// Stores `answer` and reads it as a duplicate does, and as a fenced owner does.
async fn replays<S: Subject>(case: &Case<S>, answer: StoredResponse) {
    let key = case.key();
    let claim = key.won(terms::at_most_once()).await;
    assert_eq!(key.complete(claim, Completion::Response(answer.clone())).await, Update::Applied);
    let State::Completed(replayed) = key.state().await else {
        panic!("the answer should be stored")
    };
    assert_same(&replayed, &answer);
    let [forged, ..] = terms::forged(claim);
    let lost = key.complete(forged, Completion::Unknown).await;
    assert_eq!(lost, Update::Stale(Some(Box::new(terms::existing(State::Completed(answer))))));
}

/// Part by part, since the `Debug` of an answer shows sizes only.
fn assert_same(replayed: &StoredResponse, stored: &StoredResponse) {
    assert_eq!(replayed.status, stored.status);
    assert_eq!(
        replayed.headers.iter().collect::<Vec<_>>(),
        stored.headers.iter().collect::<Vec<_>>()
    );
    assert!(replayed.body == stored.body, "the body of {} bytes changed", stored.body.len());
}
