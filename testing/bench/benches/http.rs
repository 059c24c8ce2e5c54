//! Handlers over HTTP: the bare handler, one made idempotent by hand, the annotated one, and the bare one behind the layer, on
//! each framework.
//!
//! Each variant runs in a separate process on its own core. The variants are measured in turn, several times. Compare
//! the ratios of server CPU time per request within a round, because machines and minutes differ.
//!
//! `cargo bench -p idem-bench --bench http -- --rounds 5`

use std::time::Duration;

use anyhow::Context;
use idem_bench::load::{self, Keys, Load, Measurements};
use idem_bench::process::{Server, pin_load};
use idem_bench::rounds::{WARM_UP, is_wanted, median, rounds};
use idem_bench::server::{self, FRAMEWORKS, Variants};

/// The time for which a variant is measured before the next one. Slices are short, so that other work on the
/// machine affects all variants equally.
const SLICE: Duration = Duration::from_millis(100);
const SLICES: usize = 15;

/// The measurements of one variant in one round.
#[derive(Clone, Copy)]
struct Sample {
    cpu_us: f64,
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    if let [_, serve, variant] = &args[..]
        && serve == "serve"
    {
        return server::serve(variant);
    }
    let rounds = rounds(&args)?;
    pin_load();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for (title, keys) in [("first execution", Keys::Fresh), ("replay", Keys::Repeated(1))] {
        if !is_wanted(&args, title) {
            continue;
        }
        let load = Load::new(keys);
        println!(
            "\n{title}: {} connections, 1 KiB in and out, {rounds} rounds, medians",
            load.connections
        );
        let samples = runtime.block_on(sample(load, rounds))?;
        report(&samples);
    }
    Ok(())
}

/// Returns the rounds of every variant of every framework, in their order.
async fn sample(load: Load, rounds: usize) -> anyhow::Result<Vec<Vec<Sample>>> {
    let _awake = load::stay_awake();
    let mut samples = vec![Vec::new(); FRAMEWORKS.as_flattened().len()];
    for _ in 0..rounds {
        for (variant, sample) in round(load).await?.into_iter().enumerate() {
            samples[variant].push(sample);
        }
    }
    Ok(samples)
}

/// Measures every variant on a fresh server, in slices.
async fn round(load: Load) -> anyhow::Result<Vec<Sample>> {
    let mut turns = Vec::new();
    for variant in FRAMEWORKS.as_flattened() {
        let server = Server::start(variant)?;
        load.run(&server.address, WARM_UP, "warm").await.context("while warming up")?;
        turns.push(Turns { server, cpu: Duration::ZERO, measured: Measurements::default() });
    }
    for slice in 0..SLICES {
        for turn in &mut turns {
            turn.take(load, &format!("run-{slice}")).await?;
        }
    }
    Ok(turns.into_iter().map(Turns::sum).collect())
}

/// The slices of one variant in one round.
struct Turns {
    server: Server,
    cpu: Duration,
    measured: Measurements,
}

impl Turns {
    async fn take(&mut self, load: Load, prefix: &str) -> anyhow::Result<()> {
        let before = self.server.cpu_time()?;
        let measured = load.run(&self.server.address, SLICE, prefix).await?;
        self.cpu += self.server.cpu_time()? - before;
        self.measured.latencies.extend(measured.latencies);
        Ok(())
    }

    fn sum(mut self) -> Sample {
        let requests = self.measured.latencies.len() as f64;
        Sample {
            cpu_us: micros(self.cpu) / requests,
            per_second: requests / (SLICE * SLICES as u32).as_secs_f64(),
            p50_us: micros(self.measured.percentile(0.50)),
            p99_us: micros(self.measured.percentile(0.99)),
        }
    }
}

fn report(samples: &[Vec<Sample>]) {
    println!(
        "{:<15} {:>10} {:>10} {:>10} {:>10} {:>12} {:>12} {:>12}",
        "", "cpu us", "req/s", "p50 us", "p99 us", "cpu x bare", "req/s x bare", "p99 x bare"
    );
    let frameworks = samples.chunks(Variants::default().len());
    for (variants, samples) in FRAMEWORKS.iter().zip(frameworks) {
        for (variant, rounds) in variants.iter().zip(samples) {
            report_variant(variant, rounds, &samples[0]);
        }
    }
}

fn report_variant(variant: &str, rounds: &[Sample], bare: &[Sample]) {
    let of = |figure: fn(&Sample) -> f64| median(rounds.iter().map(figure));
    let ratio = |figure: fn(&Sample) -> f64| {
        median(rounds.iter().zip(bare).map(|(this, bare)| figure(this) / figure(bare)))
    };
    println!(
        "{variant:<15} {:>10.1} {:>10.0} {:>10.0} {:>10.0} {:>12.2} {:>12.2} {:>12.2}",
        of(|s| s.cpu_us),
        of(|s| s.per_second),
        of(|s| s.p50_us),
        of(|s| s.p99_us),
        ratio(|s| s.cpu_us),
        ratio(|s| s.per_second),
        ratio(|s| s.p99_us),
    );
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
