//! A service whose records the command finds and changes.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use idem_core::function::{ErrorStorage, Failure, Rejected};
use idem_core::http::{Executed, RequestParts, Scope};
use idem_core::records::Actor;
use idem_core::store::{
    AuditAction, AuditEntry, ClaimOutcome, ClaimRequest, Completion, Extras, FencingToken,
    IdempotencyStore, RecordId, RecordIdPrefix, StoredResponse, UnknownOutcome, UnknownReason,
    Update,
};
use idem_core::{Guarantee, Idempotency, Outcome, Policy, idempotent};
use idem_postgres::PostgresStore;
use idem_redis::RedisStore;
use idem_sqlite::SqliteStore;
use idem_testkit::servers::{PostgresServer, RedisServer, Shared, SqliteFile, run_sql};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use crate::command::{Output, idem};

static REDIS: Shared<RedisServer> = Shared::new(|| RedisServer::start(&["--appendonly", "yes"]));
static POSTGRES: Shared<PostgresServer> = Shared::new(|| PostgresServer::start(&[]));

/// Longer than the commands of a test take on a busy machine.
pub(crate) const LEASE: Duration = Duration::from_secs(600);

/// Longer than a busy server needs.
const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, serde::Serialize, serde::Deserialize, thiserror::Error)]
pub(crate) enum PayError {
    #[error(transparent)]
    #[serde(skip)]
    Rejected(#[from] Rejected),
}

impl Failure for PayError {
    const STORAGE: ErrorStorage<Self> = ErrorStorage::JSON;

    fn outcome(&self) -> Outcome {
        Outcome::Ambiguous
    }

    fn rejected(&self) -> Option<&Rejected> {
        let Self::Rejected(rejected) = self;
        Some(rejected)
    }
}

/// A guarded payment. With `begun`, it says so and never ends.
#[idempotent(
    ttl = "1h",
    scope = "tenant",
    key = "id",
    operation = "POST /payments",
    label = "id",
    guarantee = "at-most-once",
    lease = "10m"
)]
pub(crate) async fn pay(
    idempotency: &Idempotency,
    tenant: &str,
    id: &str,
    begun: Option<&Notify>,
) -> Result<u64, PayError> {
    if let Some(begun) = begun {
        begun.notify_one();
        std::future::pending::<()>().await;
    }
    Ok(42)
}

/// The servers of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Redis,
    Postgres,
    Sqlite,
}

/// A service with records of its own.
pub(crate) struct Service {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    url: String,
    file: SqliteFile,
    runtime: Runtime,
    store: Arc<dyn IdempotencyStore>,
    handle: Idempotency,
}

/// The URL of the Postgres server.
pub(crate) fn postgres() -> String {
    POSTGRES.url()
}

/// Runs a test on a service of each store.
pub(crate) fn on_every_store(test: impl Fn(&Service)) {
    for kind in [Kind::Redis, Kind::Postgres, Kind::Sqlite] {
        eprintln!("on {kind:?}");
        test(&Service::start(kind));
    }
}

impl Service {
    fn start(kind: Kind) -> Self {
        let name = format!("cli_{:016x}", rand::random::<u64>());
        let (runtime, file) = (Runtime::new().unwrap(), SqliteFile::new());
        let url = match kind {
            Kind::Redis => REDIS.url(),
            Kind::Postgres => POSTGRES.url(),
            Kind::Sqlite => format!("sqlite:{}", file.path().display()),
        };
        let (store, handle): (Arc<dyn IdempotencyStore>, _) = match kind {
            Kind::Redis => {
                let builder = RedisStore::builder().namespace(&*name).connect_timeout(TIMEOUT);
                let builder = builder.wait_timeout(TIMEOUT).command_timeout(TIMEOUT);
                let store = runtime.block_on(builder.connect(&url)).unwrap();
                (Arc::new(store.clone()), Idempotency::builder(store))
            }
            Kind::Postgres => {
                let builder = PostgresStore::builder().schema(&*name).sweep_every(None);
                let builder = builder.wait_timeout(TIMEOUT).statement_timeout(TIMEOUT);
                let store = runtime.block_on(builder.connect(&url)).unwrap();
                (Arc::new(store.clone()), Idempotency::builder(store))
            }
            Kind::Sqlite => {
                let builder = SqliteStore::builder().sweep_every(None).wait_timeout(TIMEOUT);
                let store = runtime.block_on(builder.open(file.path())).unwrap();
                (Arc::new(store.clone()), Idempotency::builder(store))
            }
        };
        let handle = handle.namespace(&*name).store_timeout(TIMEOUT).build();
        Self { kind, name, url, file, runtime, store, handle }
    }

    /// The arguments that name the service's store.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        let mut all = vec!["--store", &self.url, "--namespace", &self.name];
        if self.kind == Kind::Postgres {
            all.extend(["--schema", &self.name]);
        }
        all
    }

    /// The arguments that name the service's store behind a proxy on another port.
    pub(crate) fn arguments_through(&self, port: u16) -> Vec<String> {
        let own = self.port().expect("a server").to_string();
        let url = self.url.replace(&own, &port.to_string());
        let replaced =
            |argument: &str| if argument == self.url { &*url } else { argument }.to_owned();
        self.arguments().into_iter().map(replaced).collect()
    }

    /// The port of the store's server, if it has one.
    pub(crate) fn port(&self) -> Option<u16> {
        let (_, rest) = self.url.rsplit_once(':')?;
        rest.split('/').next()?.parse().ok()
    }

    pub(crate) fn token(&self, id: &str) -> u64 {
        self.idem(&["show", id, "--json"]).json()[0]["fencing_token"].as_u64().unwrap()
    }

    /// Sends a guarded HTTP request of a service that keeps outlines, and returns the digits of its record.
    pub(crate) fn sent(&self, body: &str) -> String {
        static POLICY: Policy = Policy::new(LEASE, Guarantee::AtMostOnce);
        let handle = Idempotency::builder(Arc::clone(&self.store)).namespace(&*self.name);
        let handle = handle.secret("geheim").request_outline(true).store_timeout(TIMEOUT).build();
        let request = RequestParts {
            method: "POST",
            path: "/payments",
            query: None,
            content_type: Some(b"application/json"),
            body: body.as_bytes(),
        };
        let lines = |_: &str| [&b"\"key-1\""[..]].into_iter();
        let mut builder =
            handle.call_for(&POLICY, "POST", lines, String::new).unwrap().expect("a key");
        builder.request(&request);
        let call = builder.finish(Scope::global(), &["POST", "/payments"]).unwrap();
        let executed = || {
            Executed::new(
                (),
                Outcome::Final,
                Completion::Response(StoredResponse::text(200, "done")),
            )
        };
        let run = handle.run(call, move |_| async move { executed() }, executed);
        drop(self.block_on(run));
        let records = self.idem(&["list", "--json"]).json();
        records[0]["record"].as_str().unwrap().to_owned()
    }

    /// Runs the command on the service's store.
    pub(crate) fn idem(&self, arguments: &[&str]) -> Output {
        idem(&[&self.arguments()[..], arguments].concat())
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Pays successfully.
    pub(crate) fn paid(&self, tenant: &str, id: &str) -> Result<u64, PayError> {
        self.runtime.block_on(pay(&self.handle, tenant, id, None))
    }

    /// Begins a payment, and loses its run.
    pub(crate) fn begun(&self, tenant: &str, id: &str) {
        self.runtime.block_on(async {
            let begun = Notify::new();
            tokio::select! {
                _ = pay(&self.handle, tenant, id, Some(&begun)) => unreachable!("it never ends"),
                () = begun.notified() => {}
            }
        });
    }

    /// Begins a payment whose run crashes.
    pub(crate) fn crashed(&self, tenant: &str, id: &str) {
        self.begun(tenant, id);
        self.age(LEASE);
    }

    /// Stores a record with an unknown outcome.
    pub(crate) fn unknown(&self, id: [u8; 32], reason: UnknownReason) -> String {
        self.runtime.block_on(async {
            let policy = Policy::new(LEASE, Guarantee::AtMostOnce);
            let extras = Extras::new(&["POST /refunds"], Some("refund-7"));
            let request = ClaimRequest::new(&policy).with_extras(extras);
            let claimed = self.store.claim(RecordId::from_bytes(id), request).await.unwrap();
            let ClaimOutcome::Acquired(claim) = claimed else { panic!("{claimed:?}") };
            let unknown = Completion::Unknown(UnknownOutcome::new(reason));
            let update = self.store.complete(claim, unknown, LEASE * 60).await.unwrap();
            assert_eq!(update, Update::Applied);
        });
        id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Writes that the first run of a record reported its result after it had lost its claim.
    pub(crate) fn late(&self, id: &str) {
        let id = RecordIdPrefix::from_str(id).unwrap().range().0;
        let reason = "its claim was taken over, resolved or deleted";
        let entry = AuditEntry::new(id, AuditAction::Late, "run 1", reason, FencingToken(1), "201");
        self.block_on(self.store.records().unwrap().append_audit(entry)).unwrap();
    }

    /// Changes the table of the audit log, on Postgres and SQLite.
    pub(crate) fn sql(&self, sql: &str) {
        match self.kind {
            Kind::Postgres => {
                let table = format!("\"{}\".idem_records_audit", self.name);
                POSTGRES.sql(&sql.replace("{audit}", &table));
            }
            Kind::Sqlite => drop(run_sql(&self.file.path(), &sql.replace("{audit}", "idem_audit"))),
            Kind::Redis => panic!("the audit log of Redis is not a table"),
        }
    }

    /// Ends the unknown outcome of a record with a response.
    pub(crate) fn resolved(&self, id: &str, response: StoredResponse) {
        self.runtime.block_on(async {
            let records = self.handle.records().unwrap();
            let record = records.find(id.parse().unwrap()).await.unwrap().unwrap();
            let update = record.complete(response, &Actor::new("test")).await.unwrap();
            assert_eq!(update, Update::Applied);
        });
    }

    /// Makes a record one of a later version, which this one cannot read.
    pub(crate) fn outdate(&self, id: &str) {
        match self.kind {
            Kind::Redis => {
                let key = format!("idem:{}:{id}", self.name);
                REDIS.cli(&["setrange", &key, "0", "c"]);
            }
            Kind::Postgres => {
                POSTGRES.sql(&format!("UPDATE \"{}\".idem_records SET format = 99", self.name));
            }
            Kind::Sqlite => {
                let sql = "UPDATE idem_records SET head = CAST(x'63' || substr(head, 2) AS BLOB)";
                run_sql(&self.file.path(), sql);
            }
        }
    }

    /// Lets time pass for the store.
    pub(crate) fn age(&self, by: Duration) {
        match self.kind {
            Kind::Redis => REDIS.age(&self.name, by),
            Kind::Postgres => POSTGRES.age(&self.name, by),
            Kind::Sqlite => self.file.advance(by),
        }
    }
}
