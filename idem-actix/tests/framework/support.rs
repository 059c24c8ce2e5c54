//! Requests to an app in this process, all with one key.

use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::test::TestRequest;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, Responder};
use idem_actix::{Idempotency, MemoryStore};

/// The number of runs.
#[derive(Default)]
pub(crate) struct Runs(AtomicU32);

impl Runs {
    /// Counts a run and responds with its number, so that each run has a different response.
    pub(crate) fn run(&self) -> impl Responder + use<> {
        HttpResponse::Created().body(self.count().to_string())
    }

    pub(crate) fn count(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

pub(crate) fn idempotency() -> Data<Idempotency> {
    Data::new(Idempotency::new(MemoryStore::new()))
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) replayed: bool,
    pub(crate) body: Bytes,
}

impl Response {
    /// Asserts that a run, not a record, produced the response.
    #[track_caller]
    pub(crate) fn executed(&self, status: u16) -> &Self {
        assert_eq!((self.status, self.replayed), (status, false), "{self:?}");
        self
    }

    /// Asserts that the response is a replay of `first`.
    #[track_caller]
    pub(crate) fn replays(&self, first: &Self) {
        assert_eq!((self.status, &self.body), (first.status, &first.body));
        assert!(self.replayed && !first.replayed, "{self:?}");
    }

    /// Asserts that the response is a problem document with this slug.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, slug: &str) {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{body}");
        assert!(body.contains(&format!("urn:idem:problem:{slug}")), "{body}");
    }
}

/// A POST request to `path` with the key `k`.
pub(crate) fn post(path: &str) -> TestRequest {
    TestRequest::post().uri(path).insert_header(("idempotency-key", "k"))
}

pub(crate) fn method(method: Method, path: &str) -> TestRequest {
    post(path).method(method)
}

/// Sends a request to the app. This is a macro, because the type of the app cannot be named.
macro_rules! send {
    ($app:expr, $request:expr) => {
        $crate::support::read(actix_web::test::call_service(&$app, $request.to_request()).await)
            .await
    };
}
pub(crate) use send;

pub(crate) async fn read(response: ServiceResponse<impl MessageBody>) -> Response {
    let status = response.status().as_u16();
    let replayed = response.headers().contains_key("idempotent-replayed");
    let body = to_bytes(response.into_body()).await.map_err(Into::into).unwrap();
    Response { status, replayed, body }
}
