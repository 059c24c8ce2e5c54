//! Load and a random fault every second, for as long as it is told:
//! `CHAOS_SECONDS=3600 cargo test -p testbed --test process chaos`. Two processes, one of each framework, share
//! a store; the store in memory has one process, which may only be paused. `SEED=n` draws the same faults and
//! payments again, though not the same timing.

mod fleet;
mod load;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use libtest_mimic::Trial;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::support::{Bed, Framework, Request, Store, Tally, on_one_thread};
use fleet::Fleet;
use load::{Load, TRANSACTIONS, settled};

/// How long it goes on unless it is told otherwise.
const SECONDS: u64 = 60;

/// Within which a key must end once all is well: its lease, and a little.
const SLACK: Duration = Duration::from_secs(30);

pub(crate) fn trials() -> Vec<Trial> {
    let runs: [(&str, Store, &'static [Framework]); 4] = [
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
    let bed = Bed::new(frameworks[0], store);
    let mut fleet = Fleet::start(&bed, frameworks).await;
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
    let once = bed.tally(|note| note.starts_with("hold"));
    let Tally { attempts, effects, duplicates } = once;
    println!(
        "{name}: at most once: {attempts} attempts, {effects} effects, {duplicates} duplicates"
    );
    let Tally { attempts, effects, .. } = bed.tally(|note| note.starts_with("takeover"));
    println!("{name}: at least once: {attempts} attempts, {effects} effects");
    let mut twice = 0;
    if store == Store::Postgres {
        let Tally { attempts, .. } = bed.tally(|note| note.starts_with(TRANSACTIONS));
        let effects = committed(&keys, &fleet).await;
        twice = effects.iter().filter(|effects| **effects != 1).count();
        let effects = effects.iter().sum::<u64>();
        println!("{name}: transactions: {attempts} attempts, {effects} effects, {twice} not once");
    }
    assert_eq!((once.duplicates, twice, stuck), (0, 0, 0), "SEED={seed}");
    assert!(paid > keys.len() / 2, "most are paid, SEED={seed}");
    bed.check();
}

/// How the keys end, now that all is well: in a payment, in an outcome that is unknown, or not at all.
async fn ends(keys: &[Request], fleet: &Fleet<'_>) -> [usize; 3] {
    let ends = keys.iter().map(|key| async move {
        let key = fleet.reach(key);
        match tokio::time::timeout(SLACK, key.until_heard(settled)).await {
            Ok(answer) if answer.status == 201 => 0,
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

/// The effects of each transaction: the file beside all stores cannot tell what was committed.
async fn committed(keys: &[Request], fleet: &Fleet<'_>) -> Vec<u64> {
    let server = Arc::clone(&fleet.servers().borrow()[0]);
    let mut committed = Vec::new();
    for note in keys.iter().map(Request::noted).filter(|note| note.starts_with(TRANSACTIONS)) {
        committed.push(server.counts(note).await.effects);
    }
    committed
}
