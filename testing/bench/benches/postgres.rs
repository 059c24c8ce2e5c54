//! The Postgres store next to the client library alone and next to handlers by hand: claims, completions and replays
//! without HTTP, then handlers over HTTP, then a business transaction with and without its record.
//!
//! Postgres and the load share one core, and the measured process has the other. The variants are measured in turn,
//! several times. Compare the ratios within a round.
//!
//! `cargo bench -p idem-bench --bench postgres -- --rounds 5 --only replay`

use std::time::Duration;

use anyhow::{Context, bail};
use idem_bench::by_hand_postgres::ByHand;
use idem_bench::load::Keys;
use idem_bench::process::pin_load;
use idem_bench::rounds::{self, BODY, closed_loop, in_turn, report, requests};
use idem_bench::server::{self, IN_POSTGRES, ON_POSTGRES};
use idem_bench::stores::Postgres;
use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Completion, Headers, IdempotencyStore, RecordId,
    StoredResponse,
};
use idem_core::{Guarantee, Policy};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
static POLICY: Policy = Policy::new(DAY, Guarantee::AtMostOnce);
static RESPONSE: [u8; BODY] = [7; BODY];

/// The variants of claims and completions without HTTP.
const PAIRS: [&str; 2] = ["raw pairs", "idem-postgres pairs"];

/// The variants of replays without HTTP. By hand, a replay is an insert followed by a select.
const REPLAYS: [&str; 2] = ["raw replays", "idem-postgres replays"];

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
        ("replay over HTTP", &ON_POSTGRES, Keys::Repeated(1)),
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
    by_hand.complete(&key, &[7; 16], &RESPONSE).await?;
    complete(&store, claim(&store, key).await?.context("a new key")?).await?;
    match variant {
        "raw pairs" => {
            closed_loop(async || {
                let (key, owner): ([u8; 32], [u8; 16]) = rand::random();
                anyhow::ensure!(by_hand.insert(&key, &owner, &[7; 32]).await?, "not new");
                anyhow::ensure!(
                    by_hand.complete(&key, &owner, &RESPONSE).await?,
                    "the claim is stale"
                );
                Ok(())
            })
            .await
        }
        "raw replays" => {
            closed_loop(async || {
                anyhow::ensure!(!by_hand.insert(&key, &[7; 16], &[7; 32]).await?, "new");
                by_hand.select(&key).await?.map(drop).context("no response")
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
        other => bail!("unknown variant `{other}`"),
    }
}

/// Claims a key, and returns the claim if it is acquired.
async fn claim(store: &impl IdempotencyStore, id: [u8; 32]) -> anyhow::Result<Option<Claim>> {
    match store.claim(RecordId::from_bytes(id), ClaimRequest::new(&POLICY)).await? {
        ClaimOutcome::Acquired(claim) => Ok(Some(claim)),
        _ => Ok(None),
    }
}

async fn complete(store: &impl IdempotencyStore, claim: Claim) -> anyhow::Result<()> {
    let body = bytes::Bytes::from_static(&RESPONSE);
    let response = StoredResponse::new(201, Headers::default(), body);
    let update = store.complete(claim, Completion::Response(response), DAY).await?;
    anyhow::ensure!(update == idem_core::store::Update::Applied, "the claim is stale");
    Ok(())
}
