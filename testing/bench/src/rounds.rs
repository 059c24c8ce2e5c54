//! Measures variants in rounds. Each round starts with another variant and gives each one a fresh server, so that
//! the ratios within a round are comparable.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::load::{Keys, Load};
use crate::process::{Server, this_program};
use crate::stores::Store;

/// The number of concurrent calls or connections.
pub const CONNECTIONS: usize = 32;
/// The size of a stored response, in bytes.
pub const BODY: usize = 1024;

/// The time under load before the measurement.
pub const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_millis(1500);

/// The measurements of one variant in one round.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Requests or calls per second.
    pub per_second: f64,
    /// CPU time of the client or server per request or call, in microseconds.
    pub client_us: f64,
    /// CPU time of the database per request or call, in microseconds.
    pub store_us: f64,
}

/// Measures every variant in every round.
///
/// # Errors
/// If a variant cannot be measured.
pub fn in_turn<S: Store>(
    variants: &[&str],
    rounds: usize,
    mut measure: impl FnMut(&str, &S) -> anyhow::Result<Sample>,
) -> anyhow::Result<Vec<Vec<Sample>>> {
    let mut samples = vec![Vec::new(); variants.len()];
    for round in 0..rounds {
        for turn in 0..variants.len() {
            let variant = (round + turn) % variants.len();
            samples[variant].push(measure(variants[variant], &S::start())?);
        }
    }
    Ok(samples)
}

/// Measures requests to a server of a variant.
///
/// # Errors
/// If the server cannot be started or fails.
pub async fn requests(variant: &str, store: &impl Store, keys: Keys) -> anyhow::Result<Sample> {
    let (server, load) = (Server::start_on(variant, &store.url())?, Load::new(keys));
    load.run(&server.address, WARM_UP, "warm").await.context("warming up")?;
    let (cpu, store_cpu) = (server.cpu_time()?, store.cpu_seconds()?);
    let measured = load.run(&server.address, MEASURED, "run").await?;
    let requests = measured.latencies.len() as f64;
    Ok(Sample {
        per_second: requests / MEASURED.as_secs_f64(),
        client_us: (server.cpu_time()? - cpu).as_secs_f64() * 1e6 / requests,
        store_us: (store.cpu_seconds()? - store_cpu) * 1e6 / requests,
    })
}

/// Measures calls in a separate process: this program as `PROGRAM calls VARIANT URL`, which ends in
/// [`closed_loop`].
///
/// # Errors
/// If the process fails.
pub fn calls(variant: &str, store: &impl Store) -> anyhow::Result<Sample> {
    let output = this_program()?.args(["calls", variant, &store.url()]).output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = printed.split_whitespace().filter_map(|f| f.parse().ok()).collect();
    let [calls, client_us] = figures[..] else { bail!("{output:?}") };
    Ok(Sample {
        per_second: calls / MEASURED.as_secs_f64(),
        client_us: client_us / calls,
        store_us: store.cpu_seconds()? * 1e6 / calls,
    })
}

/// Makes [`CONNECTIONS`] concurrent calls repeatedly, and prints the figures that [`calls`] reads.
///
/// # Errors
/// If a call fails.
pub async fn closed_loop(call: impl AsyncFn() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let (until, done) = (Instant::now() + MEASURED, AtomicU64::new(0));
    let tasks = (0..CONNECTIONS).map(|_| async {
        while Instant::now() < until {
            call().await?;
            done.fetch_add(1, Ordering::Relaxed);
        }
        anyhow::Ok(())
    });
    futures_util::future::try_join_all(tasks).await?;
    println!("{} {}", done.into_inner(), own_cpu_us()?);
    Ok(())
}

/// Returns the CPU time of this process, in microseconds.
fn own_cpu_us() -> anyhow::Result<f64> {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat")?;
    let ran = schedstat.split_whitespace().next().context("an empty schedstat")?;
    Ok(ran.parse::<f64>()? / 1e3)
}

/// Returns the value of an option such as `--old`.
pub fn option<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    args.iter().skip_while(|arg| *arg != name).nth(1).map(String::as_str)
}

/// Returns the value of `--rounds`. The default is 5.
///
/// # Errors
/// If the value is not a number.
pub fn rounds(args: &[String]) -> anyhow::Result<usize> {
    Ok(option(args, "--rounds").map_or(Ok(5), str::parse)?)
}

/// Returns whether `title` contains the value of `--only`, or whether that option is missing.
pub fn is_wanted(args: &[String], title: &str) -> bool {
    option(args, "--only").is_none_or(|only| title.contains(only))
}

/// Prints medians, and medians of the ratios to the first variant.
pub fn report(title: &str, what: &str, variants: &[&str], samples: &[Vec<Sample>]) {
    let rounds = samples[0].len();
    println!(
        "\n{title}: {CONNECTIONS} at a time, 1 KiB, {rounds} rounds, medians; x: over the first"
    );
    println!(
        "{:<24} {:>12} {:>8} {:>10} {:>8} {:>10} {:>8}",
        "",
        format!("{what}/s"),
        "x",
        "cpu us",
        "x",
        "store us",
        "x"
    );
    for (variant, rounds) in variants.iter().zip(samples) {
        print!("{variant:<24}");
        for (width, figure) in [
            (12, (|s: &Sample| s.per_second) as fn(&Sample) -> f64),
            (10, |s| s.client_us),
            (10, |s| s.store_us),
        ] {
            let ratios =
                rounds.iter().zip(&samples[0]).map(|(this, first)| figure(this) / figure(first));
            print!(" {:>width$.1} {:>8.2}", median(rounds.iter().map(figure)), median(ratios));
        }
        println!();
    }
}

/// Returns the median of the figures.
pub fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
