//! A service with records in memory, and requests to its console.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode, request};
use axum::{Extension, Router};
use bytes::Bytes;
use http_body_util::BodyExt;
use idem_console::{Console, May, Operations, Operator};
use idem_core::function::{Failure, Rejected};
use idem_core::http::Scope;
use idem_core::records::{AuditFilter, AuditRecord, Operation, RecordHandle};
use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Completion, Extras, IdempotencyStore, RecordId,
    UnknownOutcome, UnknownReason, Update,
};
use idem_core::{Guarantee, Idempotency, IdempotencyKey, MemoryStore, Policy, idempotent};
use tower::ServiceExt;

pub(crate) const LEASE: Duration = Duration::from_secs(60);
pub(crate) const PAYMENTS: &str = "POST /payments";
pub(crate) const SECRET: &str = "the secret of all processes";

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct PayError(#[from] Rejected);

impl Failure for PayError {
    fn rejected(&self) -> Option<&Rejected> {
        Some(&self.0)
    }
}

#[idempotent(
    ttl = "1h",
    scope = "tenant",
    key = "id",
    operation = "POST /payments",
    label = "id",
    guarantee = "at-most-once"
)]
pub(crate) async fn pay(
    idempotency: &Idempotency,
    tenant: &str,
    id: &str,
) -> Result<String, PayError> {
    Ok(format!("<b>{id}</b>"))
}

/// A console on records in memory, at `/console`.
pub(crate) struct Service {
    pub(crate) store: MemoryStore,
    pub(crate) idempotency: Idempotency,
}

/// The body of a form.
pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let escaped = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pairs: Vec<_> =
        fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    pairs.join("&")
}

/// A form for the console, of an unknown origin.
pub(crate) fn form(path: &str) -> request::Builder {
    let request = Request::post(format!("/console{path}")).header(HOST, "support.example");
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded")
}

/// What the console answered.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

pub(crate) fn operator(may: May) -> Operator {
    Operator { name: "ada".to_owned(), may, operations: Operations::All }
}

pub(crate) fn only(may: May, operation: &str) -> Operator {
    let operations = Operations::Only(vec![operation.to_owned()]);
    Operator { name: "ada".to_owned(), may, operations }
}

impl Service {
    pub(crate) fn new() -> Self {
        let store = MemoryStore::new();
        let idempotency = Idempotency::builder(store.clone()).max_response(100).build();
        Self { store, idempotency }
    }

    /// The console as an application mounts it. Without an operator, the authentication is missing.
    pub(crate) fn router(&self, operator: Option<Operator>) -> Router {
        let console = Console::new("payments <test>").downstream("charge").operation(PAYMENTS);
        let console = idem_console::router(self.idempotency.clone(), console.secret(SECRET));
        let router = Router::new().nest("/console", console);
        match operator {
            Some(operator) => router.layer(Extension(operator)),
            None => router,
        }
    }

    pub(crate) async fn send(
        &self,
        operator: impl Into<Option<Operator>>,
        request: request::Builder,
        body: String,
    ) -> Page {
        let request: Request = request.body(Body::from(body)).unwrap();
        let response = self.router(operator.into()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body: Bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.into()).unwrap();
        Page { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn get(&self, operator: impl Into<Option<Operator>>, path: &str) -> Page {
        let request = Request::builder().uri(format!("/console{path}"));
        self.send(operator, request, String::new()).await
    }

    /// Sends a form as a browser does.
    pub(crate) async fn post(
        &self,
        operator: impl Into<Option<Operator>>,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let request = form(path).header(ORIGIN, "https://support.example");
        self.send(operator, request, encoded(fields)).await
    }

    /// Stores a record with an unknown outcome.
    pub(crate) async fn unknown(&self, operation: &str, outcome: UnknownOutcome) -> RecordHandle {
        let claim = self.claim(RecordId::from_bytes(rand::random()), operation).await;
        let unknown = Completion::Unknown(outcome);
        let update = self.store.complete(claim, unknown, LEASE * 60).await.unwrap();
        assert_eq!(update, Update::Applied);
        self.find(claim.id).await.unwrap()
    }

    pub(crate) async fn payment(&self, reason: UnknownReason) -> RecordHandle {
        self.unknown(PAYMENTS, UnknownOutcome::new(reason)).await
    }

    /// Pays successfully, with this key and scope.
    pub(crate) async fn paid(&self, tenant: &str, id: &str) -> RecordHandle {
        pay(&self.idempotency, tenant, id).await.unwrap();
        let records = self.idempotency.records().unwrap();
        let (key, scope) = (IdempotencyKey::new(id).unwrap(), Scope::of(tenant));
        let found = records.by_key(&Operation::named(PAYMENTS), scope, &key).await;
        found.unwrap().expect("a record")
    }

    pub(crate) async fn claim(&self, id: RecordId, operation: &str) -> Claim {
        let policy = Policy::new(LEASE, Guarantee::AtMostOnce);
        let extras = Extras::new(&[operation], Some("ord-<1001>"));
        let request = ClaimRequest::new(&policy).with_extras(extras);
        let claimed = self.store.claim(id, request).await.unwrap();
        let ClaimOutcome::Acquired(claim) = claimed else { panic!("{claimed:?}") };
        claim
    }

    pub(crate) async fn find(&self, id: RecordId) -> Option<RecordHandle> {
        self.idempotency.records().unwrap().find(id).await.unwrap()
    }

    pub(crate) async fn audit(&self) -> Vec<AuditRecord> {
        let records = self.idempotency.records().unwrap();
        records.audit(AuditFilter::default(), None, 100).await.unwrap().records
    }
}

/// The 64 digits of an id.
pub(crate) fn id_of(id: RecordId) -> String {
    id.as_bytes().map(|byte| format!("{byte:02x}")).concat()
}
