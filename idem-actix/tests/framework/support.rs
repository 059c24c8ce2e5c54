//! An app in this process, and a client that keeps to one key.

use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::test::TestRequest;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, Responder};
use idem_actix::{Idempotency, MemoryStore};

/// How often handlers ran.
#[derive(Default)]
pub(crate) struct Runs(AtomicU32);

impl Runs {
    /// Counts a run and answers with its number, so that no two runs answer alike.
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
    /// Answered by a run, not by a record.
    #[track_caller]
    pub(crate) fn executed(&self, status: u16) -> &Self {
        assert_eq!((self.status, self.replayed), (status, false), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn replays(&self, first: &Self) {
        assert_eq!((self.status, &self.body), (first.status, &first.body));
        assert!(self.replayed && !first.replayed, "{self:?}");
    }

    /// Rejected with a problem document of this slug.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, slug: &str) {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{body}");
        assert!(body.contains(&format!("urn:idem:problem:{slug}")), "{body}");
    }
}

/// POST `path` under the key `k`.
pub(crate) fn post(path: &str) -> TestRequest {
    TestRequest::post().uri(path).insert_header(("idempotency-key", "k"))
}

pub(crate) fn method(method: Method, path: &str) -> TestRequest {
    post(path).method(method)
}

/// Sends a request as actix-web's dispatcher does. A macro, because the type of requests has no name here.
macro_rules! send {
    ($app:expr, $request:expr) => {
        $crate::support::answer(actix_web::test::call_service(&$app, $request.to_request()).await)
            .await
    };
}
pub(crate) use send;

pub(crate) async fn answer(response: ServiceResponse<impl MessageBody>) -> Response {
    let status = response.status().as_u16();
    let replayed = response.headers().contains_key("idempotent-replayed");
    let body = to_bytes(response.into_body()).await.map_err(Into::into).unwrap();
    Response { status, replayed, body }
}
