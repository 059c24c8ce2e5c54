//! Load with a random fault every second, for 60 s or for `CHAOS_SECONDS`:
//! `CHAOS_SECONDS=3600 cargo test -p testbed --test process chaos`.
//!
//! Two processes, one of each framework, share a store. The memory store has one process, which can only be
//! paused. `SEED=n` repeats the faults and payments of an earlier run, but not its timing.

mod fleet;
mod load;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use libtest_mimic::Trial;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::support::{Counts, Framework, Request, Store, Tally, TestEnv, on_one_thread};
use fleet::Fleet;
use load::{Load, TRANSACTIONS, accepted, settled};

/// The default duration, in seconds.
const SECONDS: u64 = 60;

/// The time within which a key must be settled after the last fault: more than its lease, which is 30 s for `/acted`.
const SLACK: Duration = Duration::from_secs(60);

pub(crate) fn trials() -> Vec<Trial> {
    let runs: [(&str, Store, &'static [Framework]); 5] = [
        ("chaos::sqlite::mixed", Store::Sqlite, &Framework::ALL),
        ("chaos::redis::mixed", Store::Redis, &Framework::ALL),
        ("chaos::postgres::mixed", Store::Postgres, &Framework::ALL),
        ("chaos::memory::axum", Store::Memory, &[Framework::Axum]),
        ("chaos::memory::actix", Store::Memory, &[Framework::Actix]),
    ];
    let trials = runs.map(|(name, store, frameworks)| {
        Trial::test(name, move || {
            on_one_thread(chaos(name, store, frameworks));
            Ok(())
        })
    });
    trials.into()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

async fn chaos(name: &str, store: Store, frameworks: &[Framework]) {
    let seed = number("SEED").unwrap_or_else(rand::random);
    println!("{name}: SEED={seed}");
    let seconds = Duration::from_secs(number("CHAOS_SECONDS").unwrap_or(SECONDS));
    let env = TestEnv::new(frameworks[0], store);
    let mut fleet = Fleet::start(&env, frameworks).await;
    let load = Load::start(seed, store, fleet.servers());
    let mut rng = StdRng::seed_from_u64(seed);
    let started = Instant::now();
    while started.elapsed() < seconds {
        let next = tokio::time::sleep(Duration::from_secs(1));
        fleet.fault(&mut rng).await;
        next.await;
    }
    let (keys, requests) = load.stop().await;
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
    if store == Store::Postgres {
        let Tally { attempts, .. } = env.tally(|note| note.starts_with(TRANSACTIONS));
        let committed = counts(&keys, &fleet, TRANSACTIONS).await;
        twice = committed.iter().filter(|counts| counts.effects != 1).count();
        let effects = committed.iter().map(|counts| counts.effects).sum::<u64>();
        println!("{name}: transactions: {attempts} attempts, {effects} effects, {twice} not once");
    }
    let duplicates = (once.duplicates, not_once, twice);
    assert_eq!((duplicates, stuck), ((0, 0, 0), 0), "SEED={seed}");
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
