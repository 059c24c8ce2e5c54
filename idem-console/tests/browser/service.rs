//! A console on a loopback port, on records in memory.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::{Extension, Router};
use idem_console::{Console, May, Operations, Operator};
use idem_core::store::{
    AuditAction, AuditEntry, ClaimOutcome, ClaimRequest, Completion, Extras, FencingToken,
    IdempotencyStore, RecordId, StoredResponse, UnknownOutcome, Update,
};
use idem_core::{Guarantee, Idempotency, MemoryStore, Policy};
use tokio::net::TcpListener;

const LEASE: Duration = Duration::from_secs(60);

pub(crate) struct Service {
    pub(crate) url: String,
    store: MemoryStore,
    idempotency: Idempotency,
}

/// The 64 digits of an id.
pub(crate) fn id(id: RecordId) -> String {
    id.as_bytes().map(|byte| format!("{byte:02x}")).concat()
}

impl Service {
    pub(crate) async fn start() -> Self {
        let store = MemoryStore::new();
        // Its clock begins in 1970.
        store.advance_clock(SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
        let idempotency = Idempotency::new(store.clone());
        let operator =
            Operator { name: "ada".to_owned(), may: May::Resolve, operations: Operations::All };
        let console = Console::new("payments").downstream("charge").operation("POST /payments");
        let console = idem_console::router(idempotency.clone(), console);
        let app = Router::new().nest("/support", console).layer(Extension(operator));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/support", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, app).into_future());
        Self { url, store, idempotency }
    }

    /// Stores a record with an unknown outcome, which is some time old.
    pub(crate) async fn unknown(&self, outcome: UnknownOutcome) -> RecordId {
        let policy = Policy::new(LEASE, Guarantee::AtMostOnce);
        let request = ClaimRequest::new(&policy)
            .with_extras(Extras::new(&["POST", "/payments"], Some("ord-1001")));
        let id = RecordId::from_bytes(rand::random());
        let claimed = self.store.claim(id, request).await.unwrap();
        let ClaimOutcome::Acquired(claim) = claimed else { panic!("{claimed:?}") };
        let unknown = Completion::Unknown(outcome);
        let update = self.store.complete(claim, unknown, LEASE * 60 * 24).await.unwrap();
        assert_eq!(update, Update::Applied);
        self.store.advance_clock(Duration::from_secs(250));
        id
    }

    /// Writes that a run reported its result after it had lost its claim.
    pub(crate) async fn late(&self, id: RecordId) {
        let reason = "its claim was taken over, resolved or deleted";
        let token = FencingToken(1);
        let entry = AuditEntry::new(id, AuditAction::Late, "run 1", reason, token, "201");
        self.store.records().unwrap().append_audit(entry).await.unwrap();
    }

    /// The stored response of a record, if there is one.
    pub(crate) async fn response(&self, id: RecordId) -> Option<StoredResponse> {
        let record = self.idempotency.records().unwrap().find(id).await.unwrap();
        record?.response().await.unwrap()
    }
}
