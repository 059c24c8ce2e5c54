//! Administrative access: long listings, rows that cannot be read, optional fields, and the audit log.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use idem_core::store::{
    AuditAction, AuditEntry, AuditFilter, ClaimOutcome, Completion, Extras, Filter, FoundRecord,
    IdempotencyStore, Quota, RecordAdmin, RecordId, Resolution, ScopeId, StoreErrorKind,
    Timestamp, UnknownReason, Update,
};
use idem_postgres::PostgresStore;
use idem_postgres::sqlx::{self, PgPool};
use idem_testkit::servers::PostgresServer;
use tokio::task::JoinSet;

use crate::support::{
    HOUR, claim_new, completion, error_kind, new_id, recovering, request, store,
};

fn admin(store: &PostgresStore) -> &dyn RecordAdmin {
    store.records().unwrap()
}

pub(crate) async fn found(store: &PostgresStore, id: RecordId) -> Option<FoundRecord> {
    admin(store).find(id).await.unwrap()
}

/// Resolves a record as it was found.
pub(crate) async fn resolve(
    store: &PostgresStore,
    found: &FoundRecord,
    resolution: Resolution,
) -> Update {
    let state = found.state.to_string();
    let action = AuditAction::Hold;
    let entry = AuditEntry::new(found.id, action, "ada@host", "test", found.token, &state);
    admin(store).resolve(found.id, found.token, resolution, entry).await.unwrap()
}

/// All pages of a listing, and the number of pages.
async fn list(store: &PostgresStore, filter: Filter) -> (BTreeSet<RecordId>, usize) {
    let (mut ids, mut after) = (BTreeSet::new(), None);
    for pages in 1.. {
        let page = admin(store).list(filter.clone(), after, 10).await.unwrap();
        ids.extend(page.records.iter().map(|record| record.id));
        after = page.next;
        if after.is_none() {
            return (ids, pages);
        }
    }
    unreachable!("the pages end")
}

/// Inserts completed records with the ids of consecutive digests.
fn fill(server: &PostgresServer, records: u32) {
    server.sql(&format!(
        "INSERT INTO idem_records
         SELECT sha256(n::text::bytea), now(), now(), now() + interval '1 h', now() + interval '1 h',
                1, 1, 2, 2, 1, 0, false, sha256('owner'), '', '\\x00c9' FROM generate_series(1, {records}) AS n"
    ));
}

/// A statement of a listing reads a limited number of records, so pages without a record follow each other.
#[tokio::test]
async fn rare_records_are_listed() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    fill(&server, 5_000);
    let mut rare = BTreeSet::new();
    for byte in [0, 0xff] {
        let id = RecordId::from_bytes([byte; 32]);
        let ClaimOutcome::Acquired(claim) = store.claim(id, request()).await.unwrap() else {
            panic!("not free")
        };
        let unknown = Completion::unknown(UnknownReason::Drained);
        assert_eq!(store.complete(claim, unknown, HOUR).await.unwrap(), Update::Applied);
        rare.insert(id);
    }
    let (listed, pages) = list(&store, Filter::unknown()).await;
    assert_eq!(listed, rare);
    assert!(pages > 1 && pages < 10, "{pages} pages for 5,000 records");
}

/// Rows that cannot be read are left out. A row that an operator holds for ever can be read.
#[tokio::test]
async fn unreadable_rows_do_not_end_a_listing() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    fill(&server, 30);
    let damage = |change: &str, n: u32| {
        let change = format!("UPDATE idem_records SET {change} WHERE id = sha256('{n}')");
        server.sql(&change);
    };
    damage("format = 3", 1);
    damage("guarantee = 7", 2);
    damage("answer = ''", 3);
    damage("state = 4, answer = '\\x63'", 4);
    damage("extras = '\\x01'", 5);
    damage("silent_since = 1", 6);
    damage("lease_until = 'infinity', expires_at = 'infinity'", 7);
    let (listed, _) = list(&store, Filter::all()).await;
    assert_eq!(listed.len(), 24);
    let unreadable = server.sql("SELECT id FROM idem_records WHERE format = 3");
    assert!(listed.iter().all(|id| !unreadable.contains(&id.to_string())));
}

/// Optional fields that this version does not know survive a recovery and a completion.
#[tokio::test]
async fn unknown_extras_survive() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let later = Extras::from_bytes(Bytes::from_static(b"\x09\x00\x02hi")).unwrap();
    let id = new_id();
    let request = recovering().with_extras(later.clone());
    assert!(matches!(store.claim(id, request).await.unwrap(), ClaimOutcome::Acquired(_)));
    server.age("public", HOUR * 2);
    let claimed = store.claim(id, recovering()).await.unwrap();
    let ClaimOutcome::Recovering(claim, _) = claimed else { panic!("{claimed:?}") };
    assert_eq!(store.resume_run(claim, HOUR, HOUR).await.unwrap(), Update::Applied);
    assert_eq!(store.complete(claim, completion("kept"), HOUR).await.unwrap(), Update::Applied);
    assert_eq!(server.sql("SELECT extras FROM idem_records"), "\\x0900026869");
    assert_eq!(found(&store, id).await.unwrap().extras.unnamed(), later);
}

/// Labels and disputes are stored in a database of any encoding.
#[tokio::test]
async fn text_is_stored_in_another_encoding() {
    let server = PostgresServer::start(&[]);
    server.sql("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    let url = format!("postgres://postgres@127.0.0.1:{}/latin", server.port());
    let store = crate::support::builder().connect(&url).await.unwrap();
    let id = new_id();
    let named = recovering().with_extras(Extras::new(&["pay"], Some("注文-1")));
    let claimed = store.claim(id, named).await.unwrap();
    let ClaimOutcome::Acquired(claim) = claimed else { panic!("{claimed:?}") };
    let mut disputed = idem_core::store::UnknownOutcome::new(UnknownReason::Disputed);
    disputed.dispute = Some("金額が違う".into());
    let disputed = Completion::Unknown(disputed);
    assert_eq!(store.complete(claim, disputed, HOUR).await.unwrap(), Update::Applied);
    let found = found(&store, id).await.unwrap();
    assert_eq!((found.extras.label(), found.extras.dispute()), ("注文-1", "金額が違う"));
}

/// A resolution that deletes a record makes room in its scope.
#[tokio::test]
async fn released_record_makes_room_in_its_scope() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let scope = ScopeId::from_bytes([7; 32]);
    let request = || request().with_quota(Some(Quota { scope, max_keys: NonZeroU32::MIN }));
    let claimed = store.claim(new_id(), request()).await.unwrap();
    let ClaimOutcome::Acquired(claim) = claimed else { panic!("{claimed:?}") };
    server.age("public", HOUR * 2);
    let full = store.claim(new_id(), request()).await.unwrap();
    assert!(matches!(full, ClaimOutcome::AtCapacity(_)), "{full:?}");
    let record = found(&store, claim.id).await.unwrap();
    assert_eq!(resolve(&store, &record, Resolution::Release).await, Update::Applied);
    let next = store.claim(new_id(), request()).await.unwrap();
    assert!(matches!(next, ClaimOutcome::Acquired(_)), "{next:?}");
}

/// The numbers of entries are in the order of their commits: a reader of pages misses no entry of a transaction that
/// commits late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_entries_are_numbered_in_the_order_of_their_commits() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let pool = PgPool::connect(&server.url()).await.unwrap();
    let mut open = pool.begin().await.unwrap();
    let claim = claim_new(&store).await;
    let evict = format!(
        "SELECT idem_records_resolve_1('\\x00', 1, 'evict', 2::smallint, '', '0', '\\x{}', 'evict', 'a', 'b', 1, 's', NULL)",
        "07".repeat(32)
    );
    sqlx::query(sqlx::AssertSqlSafe(evict)).execute(&mut *open).await.unwrap();
    let record = found(&store, claim.id).await.unwrap();
    let mut later = JoinSet::new();
    let (resolving, found) = (store.clone(), record.clone());
    later.spawn(async move {
        let entry = AuditEntry::new(found.id, AuditAction::Evict, "a", "b", found.token, "s");
        admin(&resolving).resolve(found.id, found.token, Resolution::Evict, entry).await
    });
    // The second entry waits for the first, up to the lock timeout.
    let refused = later.join_next().await.unwrap().unwrap();
    assert_eq!(error_kind(refused), StoreErrorKind::NotDone);
    open.commit().await.unwrap();
    assert!(matches!(resolve(&store, &record, Resolution::Evict).await, Update::Stale(Some(_))));
    let page = admin(&store).audit(AuditFilter::default(), None, 10).await.unwrap();
    assert_eq!(page.records.len(), 2);
    assert!(page.next.is_none());
    let mut since = AuditFilter::default();
    since.since = Some(page.records[1].at);
    let page = admin(&store).audit(since, None, 10).await.unwrap();
    assert_eq!(page.records.len(), 1, "the entry at that microsecond is included");
    since.since = Some(Timestamp(page.records[0].at.0 + 1));
    assert!(admin(&store).audit(since, None, 10).await.unwrap().records.is_empty());
}

/// A claim of an expired record makes a new record, also for operators.
#[tokio::test]
async fn claim_of_an_expired_record_sets_its_time() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let claim = claim_new(&store).await;
    server.sql("UPDATE idem_records SET created_at = created_at - interval '90 days'");
    server.age("public", Duration::from_secs(90 * 24 * 3600));
    let claimed = store.claim(claim.id, request()).await.unwrap();
    assert!(matches!(claimed, ClaimOutcome::Acquired(_)), "{claimed:?}");
    let is_new = "SELECT created_at > now() - interval '1 h' FROM idem_records";
    assert_eq!(server.sql(is_new), "t");
}
