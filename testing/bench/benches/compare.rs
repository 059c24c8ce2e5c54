//! The annotated handlers of this build next to those of another build, such as one of an older commit.
//!
//! The two servers take turns every 100 ms, so other work on the machine affects both equally. Each has its own
//! database server.
//!
//! `cargo bench -p idem-bench --bench compare -- --old <program> --rounds 5`, where the program is the benchmark
//! `http`, `redis` or `postgres` that the other checkout built under `target/release/deps`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use idem_bench::load::{self, Keys, Load};
use idem_bench::process::{Server, pin_load, pinned, this_program};
use idem_bench::rounds::{Sample, WARM_UP, is_wanted, median, option, rounds};
use idem_bench::server;
use idem_bench::stores::{Memory, Postgres, Redis, Store};

const SLICE: Duration = Duration::from_millis(100);
const SLICES: usize = 20;

const ON_MEMORY: [&str; 2] = ["annotated-axum", "annotated-actix"];
const ON_REDIS: [&str; 2] = ["annotated-redis-axum", "annotated-redis-actix"];
const ON_POSTGRES: [&str; 2] = ["annotated-postgres-axum", "annotated-postgres-actix"];

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    if let [_, serve, variant] = &args[..]
        && serve == "serve"
    {
        return server::serve(variant);
    }
    let Some(old) = option(&args, "--old") else {
        println!("skipped: compare needs --old <program>");
        return Ok(());
    };
    let comparison = Comparison { old: old.into(), rounds: rounds(&args)? };
    pin_load();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!(
        "{:<42} {:>9} {:>9} {:>7} {:>7} {:>9}",
        "", "old us", "new us", "cpu x", "rate x", "store x"
    );
    for (name, keys) in [("first", Keys::Fresh), ("replay", Keys::Repeated(1))] {
        for variant in [ON_MEMORY, ON_REDIS, ON_POSTGRES].concat() {
            let title = format!("{name} {variant}");
            if is_wanted(&args, &title) {
                Comparison::report(
                    &title,
                    &runtime.block_on(comparison.of(variant, Load::new(keys)))?,
                );
            }
        }
    }
    Ok(())
}

struct Comparison {
    old: PathBuf,
    rounds: usize,
}

/// A server with its database, and what was measured so far.
struct Turns<S> {
    server: Server,
    store: S,
    requests: f64,
    cpu: Duration,
    store_seconds: f64,
}

impl Comparison {
    /// Returns the samples of the old and the new build in each round.
    async fn of(&self, variant: &str, load: Load) -> anyhow::Result<Vec<[Sample; 2]>> {
        if ON_MEMORY.contains(&variant) {
            // A database server would never run on the core of a load that stays awake.
            let _awake = load::stay_awake();
            self.on::<Memory>(variant, load).await
        } else if ON_REDIS.contains(&variant) {
            self.on::<Redis>(variant, load).await
        } else {
            self.on::<Postgres>(variant, load).await
        }
    }

    async fn on<S: Store>(&self, variant: &str, load: Load) -> anyhow::Result<Vec<[Sample; 2]>> {
        let mut samples = Vec::new();
        for _ in 0..self.rounds {
            let mut turns = Vec::new();
            for program in [pinned(&self.old), this_program()?] {
                let store = S::start();
                let server = Server::start_in(program, variant, &store.url())?;
                load.run(&server.address, WARM_UP, "warm").await?;
                turns.push(Turns {
                    server,
                    store,
                    requests: 0.0,
                    cpu: Duration::ZERO,
                    store_seconds: 0.0,
                });
            }
            for slice in 0..SLICES {
                for turn in &mut turns {
                    turn.take(load, &format!("run-{slice}")).await?;
                }
            }
            let [old, new] = &turns[..] else { unreachable!("two servers were started") };
            samples.push([old.sample(), new.sample()]);
        }
        Ok(samples)
    }

    fn report(title: &str, samples: &[[Sample; 2]]) {
        let of = |figure: fn(&Sample) -> f64, build: usize| {
            median(samples.iter().map(|round| figure(&round[build])))
        };
        let ratio = |figure: fn(&Sample) -> f64| {
            median(samples.iter().map(|[old, new]| figure(new) / figure(old)))
        };
        let cpu = |sample: &Sample| sample.client_us;
        println!(
            "{title:<42} {:>9.1} {:>9.1} {:>7.3} {:>7.3} {:>9.3}",
            of(cpu, 0),
            of(cpu, 1),
            ratio(cpu),
            ratio(|sample| sample.per_second),
            ratio(|sample| sample.store_us),
        );
    }
}

impl<S: Store> Turns<S> {
    async fn take(&mut self, load: Load, prefix: &str) -> anyhow::Result<()> {
        let (cpu, store) = (self.server.cpu_time()?, self.store.cpu_seconds()?);
        let measured = load.run(&self.server.address, SLICE, prefix).await.context("a slice")?;
        self.requests += measured.latencies.len() as f64;
        self.cpu += self.server.cpu_time()? - cpu;
        self.store_seconds += self.store.cpu_seconds()? - store;
        Ok(())
    }

    fn sample(&self) -> Sample {
        Sample {
            per_second: self.requests / (SLICE * SLICES as u32).as_secs_f64(),
            client_us: self.cpu.as_secs_f64() * 1e6 / self.requests,
            store_us: self.store_seconds * 1e6 / self.requests,
        }
    }
}
