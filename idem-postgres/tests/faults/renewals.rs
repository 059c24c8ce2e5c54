//! Renewals of many leases share statements, and a locked record delays no other lease.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use idem_core::http::{Executed, Scope, Served};
use idem_core::store::{Claim, ClaimOutcome, Completion, IdempotencyStore, StoreErrorKind, Update};
use idem_core::{Guarantee, Idempotency, IdempotencyKey, Outcome, Policy, Rejection};
use idem_postgres::PostgresStore;
use idem_postgres::sqlx::{self, Connection, PgConnection};
use idem_testkit::servers::PostgresServer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::support::{
    HOUR, claim_new, error_kind, new_id, request, response, sent_before_a_reply, store,
};

async fn claim_many(store: &PostgresStore, count: usize) -> Vec<Claim> {
    let mut claims = Vec::new();
    while claims.len() < count {
        let calls = (0..64).map(|_| store.claim(new_id(), request()));
        for claimed in join_all(calls).await {
            let ClaimOutcome::Acquired(claim) = claimed.unwrap() else { panic!("not free") };
            claims.push(claim);
        }
    }
    claims
}

#[tokio::test]
async fn leases_that_are_due_share_statements() {
    let server = PostgresServer::start(&["shared_preload_libraries=pg_stat_statements"]);
    server.sql("CREATE EXTENSION pg_stat_statements");
    let store = store(&server).await;
    let claims = claim_many(&store, 1_536).await;
    server.sql("SELECT pg_stat_statements_reset()");
    // A renewal can be sent again while the first one is in flight.
    let renewals = claims.iter().chain(&claims[..1]).map(|claim| store.renew(*claim, HOUR, HOUR));
    let renewed = sent_before_a_reply(&server, join_all(renewals)).await;
    assert!(renewed.into_iter().all(|update| update.unwrap() == Update::Applied));
    let sent = "SELECT sum(calls) FROM pg_stat_statements
                WHERE query LIKE '%renewed%' AND query NOT LIKE '%pg_stat%'";
    assert_eq!(server.sql(sent), "4", "512 renewals to a statement");
}

/// Another transaction has locked one record, and another record is gone.
#[tokio::test]
async fn locked_record_delays_no_other_renewal() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let (locked, gone, free) =
        (claim_new(&store).await, claim_new(&store).await, claim_new(&store).await);
    assert_eq!(store.release(gone).await.unwrap(), Update::Applied);
    let mut other = PgConnection::connect(&server.url()).await.unwrap();
    let mut open = other.begin().await.unwrap();
    let lock = sqlx::query("SELECT FROM idem_records WHERE id = $1 FOR UPDATE");
    lock.bind(locked.id.as_bytes().as_slice()).execute(&mut *open).await.unwrap();
    let renewals = [locked, gone, free].map(|claim| store.renew(claim, HOUR, HOUR));
    let [of_locked, of_gone, of_free] = join_all(renewals).await.try_into().unwrap();
    assert_eq!(error_kind(of_locked), StoreErrorKind::NotDone);
    assert_eq!(of_gone.unwrap(), Update::Stale(None));
    assert_eq!(of_free.unwrap(), Update::Applied);
    open.rollback().await.unwrap();
    assert_eq!(store.renew(locked, HOUR, HOUR).await.unwrap(), Update::Applied);
}

const RUNS: usize = 2_000;
/// The time limit for the renewals, which take four leases.
const MAX_WAIT: Duration = Duration::from_secs(120);

/// Equal but for their leases. A busy machine needs the longer ones.
static LEASES: [Policy; 3] = [with_lease(3), with_lease(5), with_lease(8)];

const fn with_lease(seconds: u64) -> Policy {
    Policy::new(HOUR, Guarantee::AtLeastOnce).with_lease(Duration::from_secs(seconds))
}

type Reply = Result<Served<()>, Rejection>;

/// Runs a handler that drops `turn` when it starts, and ends after `end` is sent.
async fn run(
    service: &Idempotency,
    policy: &'static Policy,
    key: usize,
    turn: Option<OwnedSemaphorePermit>,
    mut end: watch::Receiver<bool>,
) -> Reply {
    let key = IdempotencyKey::new(key.to_string()).unwrap();
    let call = service.call(policy, &["pay"], Scope::global(), &key).unwrap();
    let executed = || Executed::new((), Outcome::Final, Completion::Response(response("done")));
    let handler = move |_| async move {
        drop(turn);
        end.wait_for(|ended| *ended).await.unwrap();
        executed()
    };
    service.run(call, handler, executed).await.map_err(Rejection::from)
}

/// Every run is renewed until its record is four leases old. None is cancelled, and duplicates find their runs
/// in progress.
///
/// A lost lease alone shows nothing, because the machine may be too busy. One of the leases must be long enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_lease_of_thousands_of_concurrent_runs_is_lost() {
    let mut lost = Vec::new();
    for policy in &LEASES {
        match lost_leases(policy).await {
            0 => return,
            runs => lost.push((policy.lease, runs)),
        }
    }
    panic!("runs lost their leases: {lost:?}");
}

/// Returns how many of [`RUNS`] concurrent runs lost their leases.
async fn lost_leases(policy: &'static Policy) -> usize {
    let server = PostgresServer::start(&[]);
    let service = Idempotency::new(store(&server).await);
    let (end, ended) = watch::channel(false);
    // The runs begin a few at a time, because a burst of claims is not the subject.
    let turns = Arc::new(Semaphore::new(64));
    let mut runs = JoinSet::new();
    for key in 0..RUNS {
        let (service, ended) = (service.clone(), ended.clone());
        let turn = Arc::clone(&turns).acquire_owned().await.unwrap();
        runs.spawn(async move { run(&service, policy, key, Some(turn), ended).await });
    }
    let leases = 4 * policy.lease.as_secs();
    let counts = format!(
        "SELECT count(*) FILTER (WHERE lease_until > created_at + interval '{leases} s'),
                count(*) FILTER (WHERE lease_until < now()) FROM idem_records"
    );
    let kept = format!("{RUNS}|0");
    let started = Instant::now();
    let mut lost = loop {
        let counts = server.sql(&counts);
        // A run that has ended was refused or cancelled.
        let ended = std::iter::from_fn(|| runs.try_join_next()).count();
        if ended > 0 || counts == kept || !counts.ends_with("|0") {
            break ended + lapsed(&server);
        }
        assert!(started.elapsed() < MAX_WAIT, "still {counts}");
        sleep(Duration::from_millis(20)).await;
    };
    for key in 0..50 {
        if lost > 0 {
            break;
        }
        let duplicate = run(&service, policy, key, None, ended.clone()).await;
        lost += usize::from(!matches!(duplicate, Err(Rejection::InProgress)));
    }
    end.send(true).unwrap();
    // The server is busy with the ends of all runs. A run whose end could not be stored in time gets 503, and
    // its end is stored later.
    let cancelled =
        |reply: &Reply| matches!(reply, Err(Rejection::OutcomeUnknown { retry_after: None }));
    let replies = runs.join_all().await;
    lost += replies.iter().filter(|reply| cancelled(reply)).count();
    if lost == 0 {
        server.until("SELECT count(*) FROM idem_records WHERE state = 2", |completed| {
            completed == RUNS.to_string()
        });
    }
    lost
}

/// The number of leases that have ended.
fn lapsed(server: &PostgresServer) -> usize {
    let lapsed = "SELECT count(*) FROM idem_records WHERE state = 1 AND lease_until < now()";
    server.sql(lapsed).parse().unwrap()
}
