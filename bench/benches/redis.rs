//! The Redis store side by side with what a good engineer writes by hand: claims and conclusions alone,
//! then handlers over HTTP. Redis and the load are on one core, what is measured is on the other, in turn
//! and several times over; the ratios within a round count.
//!
//! `cargo bench -p idem-bench --bench redis -- --rounds 5`

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use idem_bench::load::{self, Keys};
use idem_bench::pairs::ByHand;
use idem_bench::process::{Server, again, pin_load};
use idem_bench::server::{self, ON_REDIS};
use idem_conformance::servers::RedisServer;
use idem_core::{
    Answer, ClaimRequest, Claimed, Conclusion, Guarantee, Headers, IdempotencyStore, Policy,
    RecordId,
};

const CONNECTIONS: usize = 32;
const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_millis(1500);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const BODY: usize = 1024;

/// How claims and conclusions are made without HTTP.
const PAIRS: [&str; 2] = ["by hand", "idem-redis"];

/// One variant in one round.
#[derive(Clone, Copy)]
struct Sample {
    per_second: f64,
    client_us: f64,
    redis_us: f64,
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &args[..] {
        [_, serve, variant] if serve == "serve" => return server::serve(variant),
        [_, pairs, variant, url] if pairs == "pairs" => {
            return runtime.block_on(pairs_of(variant, url));
        }
        _ => {}
    }
    let rounds = args.iter().skip_while(|arg| *arg != "--rounds").nth(1);
    let rounds = rounds.map_or(Ok(5), |rounds| rounds.parse())?;
    pin_load();
    report("claim and conclusion alone", "pairs", &PAIRS, &in_turn(&PAIRS, rounds, pairs)?);
    for (title, keys) in [("first execution", Keys::Fresh), ("replay", Keys::Repeated)] {
        let measure =
            |variant: &str, redis: &RedisServer| runtime.block_on(requests(variant, redis, keys));
        report(title, "requests", &ON_REDIS, &in_turn(&ON_REDIS, rounds, measure)?);
    }
    Ok(())
}

/// The rounds of every variant. Each round starts with another one, and each has a fresh server.
fn in_turn(
    variants: &[&str],
    rounds: usize,
    mut measure: impl FnMut(&str, &RedisServer) -> anyhow::Result<Sample>,
) -> anyhow::Result<Vec<Vec<Sample>>> {
    let mut samples = vec![Vec::new(); variants.len()];
    for round in 0..rounds {
        for turn in 0..variants.len() {
            let variant = (round + turn) % variants.len();
            samples[variant].push(measure(variants[variant], &RedisServer::start(&[]))?);
        }
    }
    Ok(samples)
}

async fn requests(variant: &str, redis: &RedisServer, keys: Keys) -> anyhow::Result<Sample> {
    let server = Server::start_on(variant, &redis.url())?;
    load::run(&server.address, CONNECTIONS, WARM_UP, keys, "warm").await.context("warming up")?;
    let (cpu, redis_cpu) = (server.cpu_time()?, cpu_of(redis)?);
    let counted = load::run(&server.address, CONNECTIONS, MEASURED, keys, "run").await?;
    let requests = counted.latencies.len() as f64;
    Ok(Sample {
        per_second: requests / MEASURED.as_secs_f64(),
        client_us: (server.cpu_time()? - cpu).as_secs_f64() * 1e6 / requests,
        redis_us: (cpu_of(redis)? - redis_cpu) * 1e6 / requests,
    })
}

/// Runs the pairs in a process of their own.
fn pairs(variant: &str, redis: &RedisServer) -> anyhow::Result<Sample> {
    let output = again()?.args(["pairs", variant, &redis.url()]).output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = printed.split_whitespace().filter_map(|f| f.parse().ok()).collect();
    let [pairs, client_us] = figures[..] else { bail!("{output:?}") };
    Ok(Sample {
        per_second: pairs / MEASURED.as_secs_f64(),
        client_us: client_us / pairs,
        redis_us: cpu_of(redis)? * 1e6 / pairs,
    })
}

async fn pairs_of(variant: &str, url: &str) -> anyhow::Result<()> {
    let done = match variant {
        "by hand" => {
            let store = ByHand::connect(url).await?;
            closed_loop(async || by_hand(&store).await).await?
        }
        _ => {
            let store = idem_axum::RedisStore::connect(url).await?;
            closed_loop(async || by_store(&store).await).await?
        }
    };
    println!("{done} {}", own_cpu_us()?);
    Ok(())
}

/// Calls `pair` as often as it can be done, so many at a time.
async fn closed_loop(pair: impl AsyncFn() -> anyhow::Result<()>) -> anyhow::Result<u64> {
    let (until, done) = (Instant::now() + MEASURED, AtomicU64::new(0));
    let tasks = (0..CONNECTIONS).map(|_| async {
        while Instant::now() < until {
            pair().await?;
            done.fetch_add(1, Ordering::Relaxed);
        }
        anyhow::Ok(())
    });
    futures_util::future::try_join_all(tasks).await?;
    Ok(done.into_inner())
}

async fn by_hand(store: &ByHand) -> anyhow::Result<()> {
    let (key, owner, print) = (format!("{:032x}", rand::random::<u128>()), rand::random(), [7; 32]);
    store.claim(&key, &owner, &print).await?;
    anyhow::ensure!(store.complete(&key, &owner, &print, &[7; BODY]).await?, "fenced");
    Ok(())
}

async fn by_store(store: &impl IdempotencyStore) -> anyhow::Result<()> {
    static POLICY: Policy = Policy::new(DAY, Guarantee::AtMostOnce);
    static ANSWER: [u8; BODY] = [7; BODY];
    let id = RecordId::from_bytes(rand::random());
    let Claimed::Acquired(claim) = store.claim(id, ClaimRequest::new(&POLICY)).await? else {
        bail!("the key is not new")
    };
    let body = bytes::Bytes::from_static(&ANSWER);
    let answer = Answer { status: 201, headers: Headers::default(), body };
    let fenced = store.complete(claim, Conclusion::Answer(answer), DAY).await?;
    anyhow::ensure!(fenced == idem_core::Fenced::Held, "fenced");
    Ok(())
}

/// How long the threads of this process have run.
fn own_cpu_us() -> anyhow::Result<f64> {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat")?;
    let ran = schedstat.split_whitespace().next().context("an empty schedstat")?;
    Ok(ran.parse::<f64>()? / 1e3)
}

/// How many seconds of CPU a server has used.
fn cpu_of(redis: &RedisServer) -> anyhow::Result<f64> {
    let info = redis.cli(&["info", "cpu"]);
    let figure =
        |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    let figures = (figure("used_cpu_sys:"), figure("used_cpu_user:"));
    let (Some(sys), Some(user)): (Option<f64>, Option<f64>) = figures else { bail!("{info}") };
    Ok(sys + user)
}

fn report(title: &str, what: &str, variants: &[&str], samples: &[Vec<Sample>]) {
    let rounds = samples[0].len();
    println!(
        "\n{title}: {CONNECTIONS} at a time, 1 KiB, {rounds} rounds, medians; x: over the first"
    );
    println!(
        "{:<16} {:>12} {:>8} {:>10} {:>8} {:>10} {:>8}",
        "",
        format!("{what}/s"),
        "x",
        "cpu us",
        "x",
        "redis us",
        "x"
    );
    for (variant, rounds) in variants.iter().zip(samples) {
        print!("{variant:<16}");
        for (width, figure) in [
            (12, (|s: &Sample| s.per_second) as fn(&Sample) -> f64),
            (10, |s| s.client_us),
            (10, |s| s.redis_us),
        ] {
            let ratios =
                rounds.iter().zip(&samples[0]).map(|(this, first)| figure(this) / figure(first));
            print!(" {:>width$.1} {:>8.2}", median(rounds.iter().map(figure)), median(ratios));
        }
        println!();
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
