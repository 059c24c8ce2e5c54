//! The measurement of a case: all servers run, and each is measured for a slice in turn.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use rand::seq::SliceRandom;

use super::{Case, Program, StoreKind, Variant};
use crate::load::{self, Keys, Load, Measurements};
use crate::process::{Server, pinned, this_program};
use crate::rounds::median;
use crate::stores::Store;

/// The time for which a variant is measured before the next one. Slices are short, so that other work on the
/// machine affects all variants equally.
const SLICE: Duration = Duration::from_millis(100);
const SLICES: u32 = 8;

/// The time under load before the measurement.
const WARM_UP: Duration = Duration::from_millis(300);

/// The measurements of one variant in one round.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// CPU time of the server per request, in microseconds.
    pub cpu_us: f64,
    /// CPU time of the database per request, in microseconds.
    pub store_us: f64,
    /// Requests per second, the median of the slices.
    pub per_second: f64,
    /// The median latency, in microseconds.
    pub p50_us: f64,
    /// The latency that one request in a hundred exceeds, in microseconds.
    pub p99_us: f64,
    /// The growth of the server's memory, or of the database, for each key that was stored before the measurement.
    pub bytes_per_key: Option<f64>,
}

/// The variants and the way to measure them.
#[derive(Debug)]
pub struct Bench {
    /// The variants.
    pub variants: Vec<Variant>,
    /// The program of `testing/peers`.
    pub peers: Option<PathBuf>,
    /// The number of rounds. Each has fresh servers.
    pub rounds: usize,
    /// A pause after each round, in which other programs on the machine can run.
    pub pause: Duration,
}

impl Bench {
    /// Returns the samples of each variant.
    ///
    /// # Errors
    /// If a server cannot be started or fails, twice in the same round.
    pub async fn measure(&self, case: &Case) -> anyhow::Result<Vec<Vec<Sample>>> {
        let mut samples = vec![Vec::new(); self.variants.len()];
        for round in 1..=self.rounds {
            eprintln!("{}: round {round} of {}", case.heading, self.rounds);
            let mut measured = self.round(case).await;
            if let Err(error) = &measured {
                eprintln!("the round is repeated: {error:#}");
                measured = self.round(case).await;
            }
            for (variant, sample) in measured?.into_iter().enumerate() {
                samples[variant].push(sample);
            }
            thread::sleep(self.pause);
        }
        Ok(samples)
    }

    async fn round(&self, case: &Case) -> anyhow::Result<Vec<Sample>> {
        let mut turns = Vec::new();
        for variant in &self.variants {
            let turn = self.start(variant, case).await;
            turns.push(turn.with_context(|| format!("the variant `{}`", variant.name))?);
        }
        let mut order: Vec<usize> = (0..turns.len()).collect();
        for slice in 0..SLICES {
            // An event that returns every second must not always meet the same variant.
            order.shuffle(&mut rand::rng());
            for &turn in &order {
                let taken = turns[turn].take(&format!("run-{slice}")).await;
                taken.with_context(|| format!("the variant `{}`", self.variants[turn].name))?;
            }
        }
        Ok(turns.into_iter().map(Turns::sample).collect())
    }

    /// Starts the server of a variant with its own database, and stores the keys of the case.
    async fn start(&self, variant: &Variant, case: &Case) -> anyhow::Result<Turns> {
        let program = match variant.program {
            Program::Own => this_program()?,
            Program::Peers => pinned(self.peers.as_ref().context("`--peers` is missing")?),
        };
        let (store, load) = (variant.store.start(), case.load());
        let server = Server::start_in(program, variant.serve, &store.url())?;
        let mut turns = Turns::new(server, store, variant.store, load);
        let _awake = turns.stay_awake();
        load.run(&turns.server.address, WARM_UP, "warm").await.context("warming up")?;
        let before = turns.bytes()?;
        load.fill(&turns.server.address, STORED).await.context("storing the keys")?;
        let growth = turns.bytes()?.saturating_sub(before);
        if case.stored > 0 && variant.store != StoreKind::None {
            turns.bytes_per_key = Some(growth as f64 / case.stored as f64);
            ensure!(load.is_replayed(&turns.server.address, STORED).await?, "no replay");
        }
        Ok(turns)
    }
}

/// The prefix of the stored keys.
const STORED: &str = "stored";

/// The slices of one variant in one round.
struct Turns {
    server: Server,
    store: Box<dyn Store>,
    kind: StoreKind,
    load: Load,
    cpu: Duration,
    store_seconds: f64,
    measured: Measurements,
    /// The requests per second of each slice.
    rates: Vec<f64>,
    bytes_per_key: Option<f64>,
}

impl Turns {
    fn new(server: Server, store: Box<dyn Store>, kind: StoreKind, load: Load) -> Self {
        Self {
            server,
            store,
            kind,
            load,
            cpu: Duration::ZERO,
            store_seconds: 0.0,
            measured: Measurements::default(),
            rates: Vec::new(),
            bytes_per_key: None,
        }
    }

    fn stay_awake(&self) -> Option<impl Drop + use<>> {
        self.kind.allows_spinning().then(load::stay_awake)
    }

    /// Returns the memory of a server with its own store, or the size of the database.
    fn bytes(&self) -> anyhow::Result<u64> {
        match self.kind {
            StoreKind::None | StoreKind::Memory => self.server.resident_bytes(),
            _ => self.store.bytes(),
        }
    }

    async fn take(&mut self, fresh: &str) -> anyhow::Result<()> {
        let _awake = self.stay_awake();
        let prefix = if matches!(self.load.keys, Keys::Repeated(_)) { STORED } else { fresh };
        let (cpu, store) = (self.server.cpu_time()?, self.store.cpu_seconds()?);
        let measured = self.load.run(&self.server.address, SLICE, prefix).await?;
        self.cpu += self.server.cpu_time()? - cpu;
        self.store_seconds += self.store.cpu_seconds()? - store;
        self.rates.push(measured.latencies.len() as f64 / SLICE.as_secs_f64());
        self.measured.latencies.extend(measured.latencies);
        Ok(())
    }

    fn sample(mut self) -> Sample {
        let requests = self.measured.latencies.len() as f64;
        let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
        Sample {
            cpu_us: micros(self.cpu) / requests,
            store_us: self.store_seconds * 1e6 / requests,
            per_second: median(self.rates.into_iter()),
            p50_us: micros(self.measured.percentile(0.50)),
            p99_us: micros(self.measured.percentile(0.99)),
            bytes_per_key: self.bytes_per_key,
        }
    }
}
