//! The Postgres store side by side with the client library alone and with what a good engineer writes by
//! hand: claims with completions and replays alone, then handlers over HTTP, then a business transaction with
//! its record and without. Postgres and the load are on one core, what is measured is on the other, in turn
//! and several times over; the ratios within a round count.
//!
//! `cargo bench -p idem-bench --bench postgres -- --rounds 5 --only replay`

use std::time::Duration;

use anyhow::{Context, bail};
use idem_bench::load::Keys;
use idem_bench::pairs_postgres::ByHand;
use idem_bench::process::pin_load;
use idem_bench::rounds::{self, BODY, Store, closed_loop, in_turn, report, requests};
use idem_bench::server::{self, IN_POSTGRES, ON_POSTGRES};
use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Completion, Headers, IdempotencyStore, RecordId,
    StoredResponse,
};
use idem_core::{Guarantee, Policy};
use idem_testkit::servers::PostgresServer;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
static POLICY: Policy = Policy::new(DAY, Guarantee::AtMostOnce);
static ANSWER: [u8; BODY] = [7; BODY];

/// How claims and completions are made without HTTP.
const PAIRS: [&str; 2] = ["raw pairs", "idem-postgres pairs"];

/// How replays are made without HTTP: by hand as an insert and then a select.
const REPLAYS: [&str; 2] = ["raw replays", "idem-postgres replays"];

struct Postgres(PostgresServer);

impl Store for Postgres {
    fn start() -> Self {
        Self(PostgresServer::start(&["shared_buffers=256MB"]))
    }

    fn url(&self) -> String {
        self.0.url()
    }

    /// Of all of its processes, those that ended included.
    fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let first = self.0.pid();
        let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children"))?;
        let mut ticks = ticks(&first.to_string(), 13..17)?;
        for child in children.split_whitespace() {
            ticks += self::ticks(child, 13..15).unwrap_or(0.0);
        }
        Ok(ticks / 100.0)
    }
}

/// Some of the times in a process's `stat`, in hundredths of a second: user, system, and those of children.
fn ticks(pid: &str, fields: std::ops::Range<usize>) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, after_name) = stat.rsplit_once(')').context("a stat without a name")?;
    let fields = after_name.split_whitespace().skip(fields.start - 2).take(fields.len());
    fields.map(|field| Ok(field.parse::<f64>()?)).sum()
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &args[..] {
        [_, serve, variant] if serve == "serve" => return server::serve(variant),
        [_, calls, variant, url] if calls == "calls" => {
            return runtime.block_on(calls_of(variant, url));
        }
        _ => {}
    }
    let rounds = rounds::rounds(&args)?;
    let wanted = |title: &str| rounds::is_wanted(&args, title);
    pin_load();
    for (title, variants) in [("claim and completion alone", PAIRS), ("replay alone", REPLAYS)] {
        if wanted(title) {
            let samples = in_turn::<Postgres>(&variants, rounds, rounds::calls)?;
            report(title, "calls", &variants, &samples);
        }
    }
    for (title, variants, keys) in [
        ("first execution", &ON_POSTGRES[..], Keys::Fresh),
        ("replay over HTTP", &ON_POSTGRES, Keys::Repeated),
        ("business transaction", &IN_POSTGRES, Keys::Fresh),
    ] {
        if wanted(title) {
            let samples = in_turn::<Postgres>(variants, rounds, |variant, postgres| {
                runtime.block_on(requests(variant, postgres, keys))
            })?;
            report(title, "requests", variants, &samples);
        }
    }
    Ok(())
}

async fn calls_of(variant: &str, url: &str) -> anyhow::Result<()> {
    let (by_hand, key) = (ByHand::connect(url).await?, [7; 32]);
    let store = idem_axum::PostgresStore::connect(url).await?;
    by_hand.insert(&key, &[7; 16], &[7; 32]).await?;
    by_hand.complete(&key, &[7; 16], &ANSWER).await?;
    complete(&store, claim(&store, key).await?.context("a new key")?).await?;
    match variant {
        "raw pairs" => {
            closed_loop(async || {
                let (key, owner): ([u8; 32], [u8; 16]) = rand::random();
                anyhow::ensure!(by_hand.insert(&key, &owner, &[7; 32]).await?, "not new");
                anyhow::ensure!(by_hand.complete(&key, &owner, &ANSWER).await?, "fenced");
                Ok(())
            })
            .await
        }
        "raw replays" => {
            closed_loop(async || {
                anyhow::ensure!(!by_hand.insert(&key, &[7; 16], &[7; 32]).await?, "new");
                by_hand.select(&key).await?.map(drop).context("no answer")
            })
            .await
        }
        "idem-postgres pairs" => {
            closed_loop(async || {
                let claim = claim(&store, rand::random()).await?.context("not new")?;
                complete(&store, claim).await
            })
            .await
        }
        "idem-postgres replays" => {
            closed_loop(async || {
                anyhow::ensure!(claim(&store, key).await?.is_none(), "new");
                Ok(())
            })
            .await
        }
        other => bail!("nothing is called `{other}`"),
    }
}

/// A claim, if it was won.
async fn claim(store: &impl IdempotencyStore, id: [u8; 32]) -> anyhow::Result<Option<Claim>> {
    match store.claim(RecordId::from_bytes(id), ClaimRequest::new(&POLICY)).await? {
        ClaimOutcome::Acquired(claim) => Ok(Some(claim)),
        _ => Ok(None),
    }
}

async fn complete(store: &impl IdempotencyStore, claim: Claim) -> anyhow::Result<()> {
    let body = bytes::Bytes::from_static(&ANSWER);
    let answer = StoredResponse { status: 201, headers: Headers::default(), body };
    let fenced = store.complete(claim, Completion::Response(answer), DAY).await?;
    anyhow::ensure!(fenced == idem_core::store::Update::Applied, "fenced");
    Ok(())
}
