//! Processes of the previous version of the store share the table during a deploy. They call the functions of
//! schema version 2 and write format 1.

use std::time::Duration;

use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Completion, ExistingRecord, Extras, FoundState,
    IdempotencyStore, RecordId, Resolution, State, UnknownReason, Update,
};
use idem_core::{Guarantee, Policy};
use idem_postgres::PostgresStore;
use idem_testkit::servers::PostgresServer;

use crate::admin::{found, resolve};
use crate::support::{HOUR, completion, new_id, recovering, request, response, store};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A record id as a literal of SQL.
fn literal(id: RecordId) -> String {
    format!("'\\x{}'", hex(id.as_bytes()))
}

/// Claims a key as the previous version does. Returns whether it was acquired.
fn old_claim(server: &PostgresServer, id: RecordId, guarantee: u8) -> bool {
    let acquired = server.sql(&format!(
        "SELECT acquired FROM idem_records_claim_2({}, '\\x01', '1 h', '1 h', 1::smallint, {guarantee}::smallint,
             0::smallint, '', 9, NULL, NULL, NULL, '1 h')",
        literal(id)
    ));
    acquired == "t"
}

/// Completes the claim of [`old_claim`] as the previous version does.
fn old_complete(server: &PostgresServer, id: RecordId, state: &State) {
    let mut tail = Vec::new();
    // Format 1 has no reason.
    if !matches!(state, State::Unknown(_)) {
        state.put_tail(&mut tail);
    }
    let held = server.sql(&format!(
        "SELECT held FROM idem_records, idem_records_complete_1(id, owner, fence, 1::smallint, {}::smallint, '1 h',
             '\\x{}') AS held WHERE id = {}",
        state.code(),
        hex(&tail),
        literal(id)
    ));
    assert_eq!(held, "t");
}

fn at_least_once() -> ClaimRequest {
    ClaimRequest::new(&Policy::new(HOUR, Guarantee::AtLeastOnce).with_lease(HOUR))
}

async fn existing(store: &PostgresStore, id: RecordId, request: ClaimRequest) -> ExistingRecord {
    match store.claim(id, request).await.unwrap() {
        ClaimOutcome::Exists(existing) => existing,
        other => panic!("{other:?}"),
    }
}

async fn acquired(store: &PostgresStore, request: ClaimRequest) -> Claim {
    match store.claim(new_id(), request).await.unwrap() {
        ClaimOutcome::Acquired(claim) => claim,
        other => panic!("{other:?}"),
    }
}

/// This version replays what the previous one completed. It never recovers what the previous one left unknown.
#[tokio::test]
async fn records_of_the_previous_version_are_read() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let states = [
        (State::Completed(response("old")), State::Completed(response("old"))),
        (State::NotRetained { status: 207 }, State::NotRetained { status: 207 }),
        (State::Unknown(UnknownReason::Drained), State::Unknown(UnknownReason::TimedOut)),
    ];
    let unknown = states.map(|(written, read)| (new_id(), written, read));
    for (id, written, _) in &unknown {
        assert!(old_claim(&server, *id, 1));
        old_complete(&server, *id, written);
    }
    let crashed = new_id();
    assert!(old_claim(&server, crashed, 1));
    server.age("public", HOUR + Duration::from_secs(1));
    for (id, _, read) in unknown {
        server.sql("UPDATE idem_records SET expires_at = now() + interval '1 h'");
        let expected = ExistingRecord { fingerprint: None, state: read, recoverable_in: None };
        assert_eq!(existing(&store, id, recovering()).await, expected);
        assert!(found(&store, id).await.is_some());
    }
    let existing = existing(&store, crashed, recovering()).await;
    assert_eq!(existing.state, State::Unknown(UnknownReason::Crashed));
    assert_eq!(existing.recoverable_in, None);
}

/// The previous version does not run again what this version has claimed for one run.
#[tokio::test]
async fn previous_version_does_not_run_records_of_this_version() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let crashed = acquired(&store, recovering()).await;
    let plain = acquired(&store, request()).await;
    let recovered = acquired(&store, recovering()).await;
    let unknown = acquired(&store, recovering()).await;
    let ambiguous = Completion::unknown(UnknownReason::Ambiguous);
    assert_eq!(store.complete(unknown, ambiguous, HOUR * 9).await.unwrap(), Update::Applied);
    let ended = acquired(&store, at_least_once()).await;
    assert_eq!(store.complete(ended, completion("new"), HOUR * 9).await.unwrap(), Update::Applied);
    server.age("public", HOUR * 2);
    let claimed = store.claim(recovered.id, recovering()).await.unwrap();
    let ClaimOutcome::Recovering(recovery, _) = claimed else { panic!("{claimed:?}") };
    for claim in [crashed, plain, recovered, unknown, ended] {
        for guarantee in [1, 2] {
            assert!(!old_claim(&server, claim.id, guarantee), "{claim:?}");
        }
    }
    let ClaimOutcome::Recovering(..) = store.claim(crashed.id, recovering()).await.unwrap() else {
        panic!("not recovered")
    };
    assert_eq!(store.resume_run(recovery, HOUR, HOUR).await.unwrap(), Update::Applied);
}

/// The previous version claims an expired record and leaves the columns of this version as they were. They have no
/// meaning then, and a resolution clears them.
#[tokio::test]
async fn columns_of_this_version_have_no_meaning_in_format_1() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let named = || recovering().with_extras(Extras::new(&["POST", "/payments"], Some("order-1")));
    let first = acquired(&store, named()).await;
    server.age("public", HOUR * 2);
    let claimed = store.claim(first.id, named()).await.unwrap();
    assert!(matches!(claimed, ClaimOutcome::Recovering(..)), "{claimed:?}");
    server.age("public", HOUR * 24 * 60);
    assert!(old_claim(&server, first.id, 1));
    let kept = "SELECT operation, lost_reason, lost_attempt FROM idem_records";
    assert_eq!(server.sql(kept), "POST /payments|1|1");
    let record = found(&store, first.id).await.unwrap();
    assert_eq!((record.extras.operation(), record.extras.silence()), ("", None));
    assert_eq!((record.state, record.recoverable), (FoundState::Running, false));
    server.age("public", HOUR);
    let existing = existing(&store, first.id, recovering()).await;
    assert_eq!(existing.state, State::Unknown(UnknownReason::Crashed));
    assert_eq!(existing.recoverable_in, None);

    assert_eq!(resolve(&store, &record, Resolution::Hold(HOUR)).await, Update::Applied);
    let held = found(&store, first.id).await.unwrap();
    assert_eq!((held.extras.operation(), held.extras.label()), ("", ""));
    assert_eq!(held.state, FoundState::Unknown(UnknownReason::Crashed));
    assert!(held.age() < HOUR, "the silence of the first run was kept");
}

/// The reason of an unknown record of format 1 is kept by a resolution that holds it.
#[tokio::test]
async fn held_record_of_the_previous_version_keeps_its_reason() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let id = new_id();
    assert!(old_claim(&server, id, 1));
    old_complete(&server, id, &State::Unknown(UnknownReason::TimedOut));
    let record = found(&store, id).await.unwrap();
    assert_eq!(resolve(&store, &record, Resolution::Hold(HOUR)).await, Update::Applied);
    let state = existing(&store, id, request()).await.state;
    assert_eq!(state, State::Unknown(UnknownReason::TimedOut));
}
