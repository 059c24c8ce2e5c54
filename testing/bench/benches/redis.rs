//! The Redis store next to the client library by hand: claims and completions without HTTP, then handlers over HTTP.
//!
//! Redis and the load share one core, and the measured process has the other. The variants are measured in turn,
//! several times. Compare the ratios within a round.
//!
//! `cargo bench -p idem-bench --bench redis -- --rounds 5`

use std::time::Duration;

use anyhow::bail;
use idem_bench::by_hand_redis::ByHand;
use idem_bench::load::Keys;
use idem_bench::process::pin_load;
use idem_bench::rounds::{self, BODY, closed_loop, in_turn, report, requests};
use idem_bench::server::{self, ON_REDIS};
use idem_bench::stores::Redis;
use idem_core::store::{
    ClaimOutcome, ClaimRequest, Completion, Headers, IdempotencyStore, RecordId, StoredResponse,
};
use idem_core::{Guarantee, Policy};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The variants of claims and completions without HTTP.
const PAIRS: [&str; 2] = ["by hand", "idem-redis"];

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &args[..] {
        [_, serve, variant] if serve == "serve" => return server::serve(variant),
        [_, calls, variant, url] if calls == "calls" => {
            return runtime.block_on(pairs_of(variant, url));
        }
        _ => {}
    }
    let rounds = rounds::rounds(&args)?;
    pin_load();
    let pairs = in_turn::<Redis>(&PAIRS, rounds, rounds::calls)?;
    report("claim and completion alone", "pairs", &PAIRS, &pairs);
    for (title, keys) in [("first execution", Keys::Fresh), ("replay", Keys::Repeated(1))] {
        let measure =
            |variant: &str, redis: &Redis| runtime.block_on(requests(variant, redis, keys));
        report(title, "requests", &ON_REDIS, &in_turn(&ON_REDIS, rounds, measure)?);
    }
    Ok(())
}

async fn pairs_of(variant: &str, url: &str) -> anyhow::Result<()> {
    match variant {
        "by hand" => {
            let store = ByHand::connect(url).await?;
            closed_loop(async || by_hand(&store).await).await
        }
        _ => {
            let store = idem_axum::RedisStore::connect(url).await?;
            closed_loop(async || by_store(&store).await).await
        }
    }
}

async fn by_hand(store: &ByHand) -> anyhow::Result<()> {
    let (key, owner, fingerprint) =
        (format!("{:032x}", rand::random::<u128>()), rand::random(), [7; 32]);
    store.claim(&key, &owner, &fingerprint).await?;
    anyhow::ensure!(
        store.complete(&key, &owner, &fingerprint, &[7; BODY]).await?,
        "the claim is stale"
    );
    Ok(())
}

async fn by_store(store: &impl IdempotencyStore) -> anyhow::Result<()> {
    static POLICY: Policy = Policy::new(DAY, Guarantee::AtMostOnce);
    static RESPONSE: [u8; BODY] = [7; BODY];
    let id = RecordId::from_bytes(rand::random());
    let ClaimOutcome::Acquired(claim) = store.claim(id, ClaimRequest::new(&POLICY)).await? else {
        bail!("the key is not new")
    };
    let body = bytes::Bytes::from_static(&RESPONSE);
    let response = StoredResponse::new(201, Headers::default(), body);
    let update = store.complete(claim, Completion::Response(response), DAY).await?;
    anyhow::ensure!(update == idem_core::store::Update::Applied, "the claim is stale");
    Ok(())
}
