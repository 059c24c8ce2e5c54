//! Load and a random fault every second, for as long as it is told: `CHAOS_SECONDS=3600 cargo test -p testbed chaos`.
//! `SEED=n` draws the same faults and payments again, though not the same timing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use idem_conformance::servers::RedisServer;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::{Answer, Bed, Framework, Problem, Request, Server, Store};

/// How long it goes on unless it is told otherwise.
const SECONDS: u64 = 10;

const CLIENTS: usize = 8;

const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// Whom the clients talk to: servers come and go.
type Current = watch::Sender<Vec<Arc<Server>>>;

#[test]
fn chaos_on_redis_axum() {
    chaos(Framework::Axum);
}

#[test]
fn chaos_on_redis_actix() {
    chaos(Framework::Actix);
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn chaos(framework: Framework) {
    let seed = number("SEED").unwrap_or_else(rand::random);
    println!("SEED={seed}");
    let seconds = Duration::from_secs(number("CHAOS_SECONDS").unwrap_or(SECONDS));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(async {
        let bed = Bed::new(framework, Store::redis());
        let mut redis = RedisServer::start(&DURABLE);
        let current = Arc::new(Current::default());
        for _ in 0..2 {
            let server = Arc::new(bed.start_on(&redis.url(), &[], &[]).await);
            current.send_modify(|servers| servers.push(server));
        }
        let over = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicUsize::new(0));
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let rng = StdRng::seed_from_u64(seed.wrapping_add(1 + client as u64));
            clients.spawn(load(client, rng, Arc::clone(&current), Arc::clone(&over), Arc::clone(&sent)));
        }
        let mut rng = StdRng::seed_from_u64(seed);
        let started = Instant::now();
        while started.elapsed() < seconds {
            tokio::time::sleep(Duration::from_secs(1)).await;
            fault(&mut rng, &bed, &mut redis, &current).await;
        }
        over.store(true, Ordering::SeqCst);
        let keys: Vec<Request> = clients.join_all().await.into_iter().flatten().collect();
        let stuck = stuck(&current, &keys).await;
        let tally = bed.tally();
        println!(
            "{framework:?}: {} keys, {} requests, {} attempts, {} effects, {} duplicates, {stuck} stuck",
            keys.len(), sent.load(Ordering::SeqCst), tally.attempts, tally.effects, tally.duplicates
        );
        assert_eq!((tally.duplicates, stuck), (0, 0), "SEED={seed}");
        bed.check();
    });
}

/// Pays again and again, each payment until it is settled or unknown; gives all that it paid.
async fn load(
    client: usize,
    mut rng: StdRng,
    current: Arc<Current>,
    over: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
) -> Vec<Request> {
    let mut keys = Vec::new();
    while !over.load(Ordering::SeqCst) {
        let key = format!("c{client}-{}", keys.len());
        let sim = json!({ "delay_ms": rng.random_range(0..100) });
        let pay = pick(&mut rng, &current).pay_with("/hold", &key, &sim);
        keys.push(pay.clone());
        loop {
            let pay = pay.to(&pick(&mut rng, &current));
            sent.fetch_add(1, Ordering::SeqCst);
            // A paused server never answers.
            let answer = pay.send_within(Duration::from_secs(5)).await;
            if answer.is_some_and(|answer| settled(&answer)) || over.load(Ordering::SeqCst) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    keys
}

fn settled(answer: &Answer) -> bool {
    answer.status == 201 || answer.is(Problem::OutcomeUnknown)
}

fn pick(rng: &mut StdRng, current: &Current) -> Arc<Server> {
    let servers = current.borrow();
    Arc::clone(&servers[rng.random_range(0..servers.len())])
}

async fn fault(rng: &mut StdRng, bed: &Bed, redis: &mut RedisServer, current: &Current) {
    let which = rng.random_range(0..current.borrow().len());
    let server = Arc::clone(&current.borrow()[which]);
    let pause = Duration::from_millis(rng.random_range(100..2000));
    match rng.random_range(0..5) {
        0 => {
            server.kill_now();
            replace(bed, redis, current, which).await;
        }
        1 => {
            server.terminate();
            replace(bed, redis, current, which).await;
        }
        2 => {
            server.pause();
            tokio::time::sleep(pause).await;
            server.resume();
        }
        3 => {
            redis.pause();
            tokio::time::sleep(pause).await;
            redis.resume();
        }
        _ => redis.restart(),
    }
}

/// Puts a new process in the place of one that ends.
async fn replace(bed: &Bed, redis: &RedisServer, current: &Current, which: usize) {
    let server = Arc::new(bed.start_on(&redis.url(), &[], &[]).await);
    current.send_modify(|servers| servers[which] = server);
}

/// How many keys do not end, now that all is well: each must within its lease and a little.
async fn stuck(current: &Current, keys: &[Request]) -> usize {
    let server = Arc::clone(&current.borrow()[0]);
    let mut stuck = 0;
    for key in keys {
        let key = key.to(&server);
        let ended = key.until(settled);
        if tokio::time::timeout(Duration::from_secs(20), ended).await.is_err() {
            stuck += 1;
        }
    }
    stuck
}
