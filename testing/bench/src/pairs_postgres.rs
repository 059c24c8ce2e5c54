//! Claims, conclusions and replays on Postgres with nothing but the client library.

use idem_axum::postgres::sqlx::postgres::PgPoolOptions;
use idem_axum::postgres::sqlx::{self, PgPool, Row};

/// As many connections as the store takes.
const CONNECTIONS: u32 = 16;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS by_hand (
    key bytea PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(),
    owner bytea NOT NULL, fingerprint bytea NOT NULL, answer bytea
) WITH (fillfactor = 50)";

const INSERT: &str = "INSERT INTO by_hand (key, owner, fingerprint) VALUES ($1, $2, $3)
    ON CONFLICT (key) DO NOTHING RETURNING true";

const SELECT: &str = "SELECT fingerprint, answer FROM by_hand WHERE key = $1";

/// Claims or reads in one statement, as it is written by hand.
const CLAIM_OR_READ: &str = "WITH claimed AS (
        INSERT INTO by_hand (key, owner, fingerprint) VALUES ($1, $2, $3)
        ON CONFLICT (key) DO NOTHING RETURNING true
    )
    SELECT true AS won, NULL::bytea AS fingerprint, NULL::bytea AS answer FROM claimed
    UNION ALL SELECT false, fingerprint, answer FROM by_hand WHERE key = $1
    LIMIT 1";

const UPDATE: &str = "UPDATE by_hand SET answer = $3 WHERE key = $1 AND owner = $2";

/// A pool and a table.
#[derive(Clone, Debug)]
pub struct ByHand(PgPool);

/// What a claim found.
#[derive(Debug)]
pub enum Found {
    /// Nothing: it is won.
    Nothing,
    /// Another run.
    Running,
    /// The fingerprint and the answer of a run that ended.
    Answer(Vec<u8>, Vec<u8>),
}

impl ByHand {
    /// Connects to the database at `url`.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub async fn connect(url: &str) -> sqlx::Result<Self> {
        // A round trip less for each call. The one when a connection comes back cannot be turned off.
        let options = PgPoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false);
        let pool = options.connect(url).await?;
        sqlx::query(TABLE).execute(&pool).await?;
        Ok(Self(pool))
    }

    /// Claims a key by a plain insert.
    ///
    /// # Errors
    /// If Postgres fails.
    pub async fn insert(&self, key: &[u8], owner: &[u8], print: &[u8]) -> sqlx::Result<bool> {
        let insert = sqlx::query(INSERT).bind(key).bind(owner).bind(print);
        Ok(insert.fetch_optional(&self.0).await?.is_some())
    }

    /// Reads what stands there.
    ///
    /// # Errors
    /// If Postgres fails.
    pub async fn select(&self, key: &[u8]) -> sqlx::Result<Option<Vec<u8>>> {
        let row = sqlx::query(SELECT).bind(key).fetch_optional(&self.0).await?;
        row.map_or(Ok(None), |row| row.try_get("answer"))
    }

    /// Claims a key, or reads what stands there.
    ///
    /// # Errors
    /// If Postgres fails.
    pub async fn claim(&self, key: &[u8], owner: &[u8], print: &[u8]) -> sqlx::Result<Found> {
        let claim = sqlx::query(CLAIM_OR_READ).bind(key).bind(owner).bind(print);
        let Some(row) = claim.fetch_optional(&self.0).await? else { return Ok(Found::Running) };
        if row.try_get("won")? {
            return Ok(Found::Nothing);
        }
        let answer: Option<Vec<u8>> = row.try_get("answer")?;
        let print = row.try_get("fingerprint")?;
        Ok(answer.map_or(Found::Running, |answer| Found::Answer(print, answer)))
    }

    /// Stores the answer if the owner still has the key.
    ///
    /// # Errors
    /// If Postgres fails.
    pub async fn complete(&self, key: &[u8], owner: &[u8], answer: &[u8]) -> sqlx::Result<bool> {
        let update = sqlx::query(UPDATE).bind(key).bind(owner).bind(answer);
        Ok(update.execute(&self.0).await?.rows_affected() == 1)
    }
}
