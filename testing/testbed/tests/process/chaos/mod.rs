//! Load with a random fault every second, for 60 s or for `CHAOS_SECONDS`:
//! `CHAOS_SECONDS=3600 cargo test -p testbed --test process chaos`.
//!
//! Two processes, one of each framework, share a store. The memory store has one process, which can only be
//! paused. `SEED=n` repeats the faults and payments of an earlier run, but not its timing.
//!
//! `EARLIER_PROGRAM=path` adds runs in which the program at this path, the testbed of an earlier commit, shares the store
//! with a process of this build, as during a rolling deploy. `cargo xtask nightly` builds it.

mod fleet;
mod load;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use libtest_mimic::Trial;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::support::{Counts, Framework, Program, Request, Store, Tally, TestEnv, on_one_thread};
use fleet::Fleet;
use load::{Load, TRANSACTIONS, accepted, settled};

/// The default duration, in seconds.
const SECONDS: u64 = 60;

/// The time within which a key must be settled after the last fault: more than its lease, which is 30 s for `/acted`.
const SLACK: Duration = Duration::from_secs(60);

/// The routes with the attribute that each earlier commit has.
const EARLIER_ROUTES: &[&str] = &["hold", "takeover"];
const ROUTES: &[&str] = &["hold", "takeover", "recover", "acted"];
const POSTGRES_ROUTES: &[&str] = &["hold", "takeover", "recover", "acted", TRANSACTIONS];

/// One run.
struct Plan {
    name: &'static str,
    store: Store,
    programs: Vec<Program>,
    routes: &'static [&'static str],
}

pub(crate) fn trials() -> Vec<Trial> {
    let plan = |name, store, programs, routes| Plan { name, store, programs, routes };
    let (axum, actix) = (Program::Current(Framework::Axum), Program::Current(Framework::Actix));
    let both = vec![axum.clone(), actix.clone()];
    let mut plans = vec![
        plan("chaos::sqlite::mixed", Store::Sqlite, both.clone(), ROUTES),
        plan("chaos::redis::mixed", Store::Redis, both.clone(), ROUTES),
        plan("chaos::postgres::mixed", Store::Postgres, both, POSTGRES_ROUTES),
        plan("chaos::memory::axum", Store::Memory, vec![axum.clone()], ROUTES),
        plan("chaos::memory::actix", Store::Memory, vec![actix], ROUTES),
    ];
    if let Some(earlier) = std::env::var_os("EARLIER_PROGRAM") {
        let rolling = vec![axum, Program::Earlier(PathBuf::from(earlier))];
        plans.push(plan("chaos::redis::rolling", Store::Redis, rolling.clone(), EARLIER_ROUTES));
        plans.push(plan("chaos::postgres::rolling", Store::Postgres, rolling, EARLIER_ROUTES));
    }
    let trial = |plan: Plan| {
        Trial::test(plan.name, move || {
            on_one_thread(chaos(plan));
            Ok(())
        })
    };
    plans.into_iter().map(trial).collect()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

async fn chaos(Plan { name, store, programs, routes }: Plan) {
    let seed = number("SEED").unwrap_or_else(rand::random);
    println!("{name}: SEED={seed}");
    let seconds = Duration::from_secs(number("CHAOS_SECONDS").unwrap_or(SECONDS));
    let env = TestEnv::new(Framework::Axum, store);
    let mut fleet = Fleet::start(&env, &programs).await;
    let load = Load::start(seed, routes, fleet.servers());
    let mut rng = StdRng::seed_from_u64(seed);
    let started = Instant::now();
    while started.elapsed() < seconds {
        let next = tokio::time::sleep(Duration::from_secs(1));
        fleet.fault(&mut rng).await;
        next.await;
    }
    let (keys, requests, errors) = load.stop().await;
    fleet.drained().await;
    let [paid, unknown, stuck] = ends(&keys, &fleet).await;
    println!(
        "{name}: {} s, {}; {} keys, {requests} requests; {paid} paid, {unknown} unknown, {stuck} stuck",
        seconds.as_secs(),
        fleet.counts(),
        keys.len(),
    );
    let once = env.tally(|note| note.starts_with("hold") || note.starts_with("acted"));
    let Tally { attempts, effects, duplicates } = once;
    println!(
        "{name}: at most once: {attempts} attempts, {effects} effects, {duplicates} duplicates"
    );
    let recovered = counts(&keys, &fleet, "recover").await;
    let sum = |of: fn(&Counts) -> u64| recovered.iter().map(of).sum::<u64>();
    let not_once = recovered.iter().filter(|counts| counts.effects != 1).count();
    println!(
        "{name}: with recover: {} attempts, {} effects, {} hooks, {not_once} not once",
        sum(|counts| counts.attempts),
        sum(|counts| counts.effects),
        sum(|counts| counts.hooks),
    );
    let Tally { attempts, effects, .. } = env.tally(|note| note.starts_with("takeover"));
    println!("{name}: at least once: {attempts} attempts, {effects} effects");
    let mut twice = 0;
    if routes.contains(&TRANSACTIONS) {
        let Tally { attempts, .. } = env.tally(|note| note.starts_with(TRANSACTIONS));
        let committed = counts(&keys, &fleet, TRANSACTIONS).await;
        twice = committed.iter().filter(|counts| counts.effects != 1).count();
        let effects = committed.iter().map(|counts| counts.effects).sum::<u64>();
        println!("{name}: transactions: {attempts} attempts, {effects} effects, {twice} not once");
    }
    let duplicates = (once.duplicates, not_once, twice);
    assert_eq!((duplicates, stuck), ((0, 0, 0), 0), "SEED={seed}");
    assert_eq!(errors, 0, "internal errors, such as for records that cannot be read, SEED={seed}");
    assert!(paid > keys.len() / 2, "most are paid, SEED={seed}");
    env.check();
}

/// Counts the ends of the keys after the last fault: paid, outcome unknown, or stuck.
async fn ends(keys: &[Request], fleet: &Fleet<'_>) -> [usize; 3] {
    let ends = keys.iter().map(|key| async move {
        let key = fleet.reach(key);
        match tokio::time::timeout(SLACK, key.until_received(settled)).await {
            Ok(response) if accepted(&response) => 0,
            // With `recover`, no outcome stays unknown.
            Ok(_) if key.noted().starts_with("recover") => 2,
            Ok(_) => 1,
            Err(_) => 2,
        }
    });
    let mut counts = [0; 3];
    let mut ends = stream::iter(ends).buffer_unordered(32);
    while let Some(end) = ends.next().await {
        counts[end] += 1;
    }
    counts
}

/// Returns the counts of each key of a route. The ledger file does not contain the effects of transactions, and it contains
/// charges that never reached the ledger.
async fn counts(keys: &[Request], fleet: &Fleet<'_>, route: &str) -> Vec<Counts> {
    let server = Arc::clone(&fleet.servers().borrow()[0]);
    let mut all = Vec::new();
    for note in keys.iter().map(Request::noted).filter(|note| note.starts_with(route)) {
        all.push(server.counts(note).await);
    }
    all
}
