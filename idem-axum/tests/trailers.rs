//! Trailers of a response.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use idem_axum::{Idempotency, MemoryStore, idempotent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const TEXT: &str = "0123456789";

#[idempotent(ttl = "1h", scope = "global", guarantee = "at-most-once")]
async fn checked() -> Response {
    let trailers = HeaderMap::from_iter([("x-checksum".parse().unwrap(), "45".parse().unwrap())]);
    let (start, end) = TEXT.split_at(5);
    let frames = [Frame::data(start.into()), Frame::data(end.into()), Frame::trailers(trailers)];
    let body = StreamBody::new(stream::iter(frames.map(Ok::<Frame<bytes::Bytes>, Infallible>)));
    ([("trailer", "x-checksum")], Body::new(body)).into_response()
}

async fn serve(max_response: usize) -> SocketAddr {
    let idempotency = Idempotency::builder(MemoryStore::new()).max_response(max_response).build();
    let router: Router = Router::new().route("/", post(checked)).with_state(idempotency);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Returns the response as it was sent, in lower case.
async fn call(address: SocketAddr) -> String {
    let mut client = TcpStream::connect(address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close, te\r\nte: trailers\r\n\
                idempotency-key: k\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let mut response = String::new();
    client.read_to_string(&mut response).await.unwrap();
    response.to_ascii_lowercase()
}

#[tokio::test]
async fn trailers_reach_the_first_caller_and_a_replay_has_none() {
    let address = serve(TEXT.len()).await;
    let first = call(address).await;
    assert!(first.contains("\r\ntrailer: x-checksum\r\n"), "{first}");
    assert!(first.ends_with("\r\n0\r\nx-checksum: 45\r\n\r\n"), "{first}");
    let replay = call(address).await;
    assert!(replay.contains("\r\nidempotent-replayed: true\r\n"), "{replay}");
    assert!(!replay.contains("trailer:") && !replay.contains("x-checksum"), "{replay}");
    assert!(replay.ends_with(&format!("\r\n\r\n{TEXT}")), "{replay}");
}

#[tokio::test]
async fn trailers_of_a_long_response_reach_the_first_caller() {
    for max_response in [0, 7] {
        let first = call(serve(max_response).await).await;
        assert!(first.contains("01234") && first.contains("56789"), "{first}");
        assert!(first.ends_with("\r\n0\r\nx-checksum: 45\r\n\r\n"), "{first}");
    }
}
