//! The SQLite store next to the client library alone with one commit per change, and next to the Postgres store on the same
//! disk: claims, completions and replays without HTTP, then handlers over HTTP.
//!
//! The variants are measured in turn, several times. Compare the ratios within a round. The client library alone uses one
//! connection, because SQLite has one writer. The CPU time of calls is that of the calling thread.
//!
//! `cargo bench -p idem-bench --bench sqlite -- --rounds 5 --only replay`

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};
use idem_axum::sqlite::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use idem_axum::sqlite::sqlx::{SqlitePool, query, query_scalar};
use idem_axum::{PostgresStore, SqliteStore};
use idem_bench::load::Keys;
use idem_bench::process::pin_load;
use idem_bench::rounds::{self, BODY, closed_loop, in_turn, report, requests};
use idem_bench::server::{self, ON_SQLITE};
use idem_bench::stores::SqliteAndPostgres;
use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Completion, Headers, IdempotencyStore, RecordId,
    StoredResponse, Update,
};
use idem_core::{Guarantee, Policy};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
static POLICY: Policy = Policy::new(DAY, Guarantee::AtMostOnce);
static RESPONSE: [u8; BODY] = [7; BODY];

/// The variants of claims and completions without HTTP.
const PAIRS: [&str; 3] = ["one-by-one pairs", "idem-sqlite pairs", "idem-postgres pairs"];

/// The variants of replays without HTTP.
const REPLAYS: [&str; 3] = ["one-by-one replays", "idem-sqlite replays", "idem-postgres replays"];

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
            let samples = in_turn(&variants, rounds, |variant, stores: &SqliteAndPostgres| {
                match variant.contains("postgres") {
                    true => rounds::calls(variant, &stores.postgres),
                    false => rounds::calls(variant, &stores.sqlite),
                }
            })?;
            report(title, "calls", &variants, &samples);
        }
    }
    for (title, keys) in [("first execution", Keys::Fresh), ("replay over HTTP", Keys::Repeated(1))]
    {
        if wanted(title) {
            let samples = in_turn(&ON_SQLITE, rounds, |variant, stores: &SqliteAndPostgres| {
                runtime.block_on(async {
                    match variant.contains("postgres") {
                        true => requests(variant, &stores.postgres, keys).await,
                        false => requests(variant, &stores.sqlite, keys).await,
                    }
                })
            })?;
            report(title, "requests", &ON_SQLITE, &samples);
        }
    }
    Ok(())
}

async fn calls_of(variant: &str, url: &str) -> anyhow::Result<()> {
    match variant.split_once(' ') {
        Some(("one-by-one", "pairs")) => {
            let pool = one_by_one(url).await?;
            closed_loop(async || {
                let key: [u8; 32] = rand::random();
                let claim = query("INSERT INTO by_hand (key) VALUES (?)").bind(key.to_vec());
                claim.execute(&pool).await?;
                let complete = query("UPDATE by_hand SET response = ? WHERE key = ?");
                complete.bind(&RESPONSE[..]).bind(key.to_vec()).execute(&pool).await?;
                Ok(())
            })
            .await
        }
        Some(("one-by-one", "replays")) => {
            let pool = one_by_one(url).await?;
            let insert = query("INSERT INTO by_hand (key, response) VALUES (x'07', ?)");
            insert.bind(&RESPONSE[..]).execute(&pool).await?;
            closed_loop(async || {
                let read = query_scalar("SELECT response FROM by_hand WHERE key = x'07'");
                let _response: Vec<u8> = read.fetch_one(&pool).await?;
                Ok(())
            })
            .await
        }
        Some(("idem-sqlite", calls)) => calls_on(&SqliteStore::open(url).await?, calls).await,
        Some(("idem-postgres", calls)) => {
            calls_on(&PostgresStore::connect(url).await?, calls).await
        }
        _ => bail!("unknown variant `{variant}`"),
    }
}

/// A table by hand, and a connection that commits durably.
async fn one_by_one(url: &str) -> anyhow::Result<SqlitePool> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let table = "CREATE TABLE by_hand (key BLOB PRIMARY KEY, response BLOB) WITHOUT ROWID";
    query(table).execute(&pool).await?;
    Ok(pool)
}

async fn calls_on(store: &impl IdempotencyStore, calls: &str) -> anyhow::Result<()> {
    let key = [7; 32];
    complete(store, claim(store, key).await?.context("a new key")?).await?;
    match calls {
        "pairs" => {
            closed_loop(async || {
                let claim = claim(store, rand::random()).await?.context("not new")?;
                complete(store, claim).await
            })
            .await
        }
        "replays" => {
            closed_loop(async || {
                anyhow::ensure!(claim(store, key).await?.is_none(), "new");
                Ok(())
            })
            .await
        }
        other => bail!("unknown calls `{other}`"),
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
    anyhow::ensure!(update == Update::Applied, "the claim is stale");
    Ok(())
}
