//! Claims, completions and replays on Postgres by hand, with the client library only.

use idem_axum::postgres::sqlx::postgres::PgPoolOptions;
use idem_axum::postgres::sqlx::{self, PgPool, Row};

/// The number of connections, the same as that of the store.
const CONNECTIONS: u32 = 16;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS by_hand (
    key bytea PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(),
    owner bytea NOT NULL, fingerprint bytea NOT NULL, answer bytea
) WITH (fillfactor = 50)";

const INSERT: &str = "INSERT INTO by_hand (key, owner, fingerprint) VALUES ($1, $2, $3)
    ON CONFLICT (key) DO NOTHING RETURNING true";

const SELECT: &str = "SELECT fingerprint, answer FROM by_hand WHERE key = $1";

/// Claims or reads in one statement, as a handler by hand does.
const CLAIM_OR_READ: &str = "WITH claimed AS (
        INSERT INTO by_hand (key, owner, fingerprint) VALUES ($1, $2, $3)
        ON CONFLICT (key) DO NOTHING RETURNING true
    )
    SELECT true AS won, NULL::bytea AS fingerprint, NULL::bytea AS answer FROM claimed
    UNION ALL SELECT false, fingerprint, answer FROM by_hand WHERE key = $1
    LIMIT 1";

const UPDATE: &str = "UPDATE by_hand SET answer = $3 WHERE key = $1 AND owner = $2";

/// A connection pool with a table.
#[derive(Clone, Debug)]
pub struct ByHand(PgPool);

/// The outcome of a claim.
#[derive(Debug)]
pub enum ClaimOutcome {
    /// The key was new and is claimed.
    Claimed,
    /// Another run is active.
    Running,
    /// The fingerprint and the response of a completed run.
    Completed(Vec<u8>, Vec<u8>),
}

impl ByHand {
    /// Connects to the database at `url`.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn connect(url: &str) -> sqlx::Result<Self> {
        // Saves one round trip per call. The ping when a connection is returned cannot be turned off.
        let options = PgPoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false);
        let pool = options.connect(url).await?;
        sqlx::query(TABLE).execute(&pool).await?;
        Ok(Self(pool))
    }

    /// Claims a key with a plain insert.
    ///
    /// # Errors
    /// If Postgres fails.
    pub async fn insert(&self, key: &[u8], owner: &[u8], fingerprint: &[u8]) -> sqlx::Result<bool> {
        let insert = sqlx::query(INSERT).bind(key).bind(owner).bind(fingerprint);
        Ok(insert.fetch_optional(&self.0).await?.is_some())
    }

    /// Reads the stored response.
    ///
    /// # Errors
    /// If Postgres fails.
    pub async fn select(&self, key: &[u8]) -> sqlx::Result<Option<Vec<u8>>> {
        let row = sqlx::query(SELECT).bind(key).fetch_optional(&self.0).await?;
        row.map_or(Ok(None), |row| row.try_get("answer"))
    }

    /// Claims a key, or reads its record.
    ///
    /// # Errors
    /// If Postgres fails.
    pub async fn claim(
        &self,
        key: &[u8],
        owner: &[u8],
        fingerprint: &[u8],
    ) -> sqlx::Result<ClaimOutcome> {
        let claim = sqlx::query(CLAIM_OR_READ).bind(key).bind(owner).bind(fingerprint);
        let Some(row) = claim.fetch_optional(&self.0).await? else {
            return Ok(ClaimOutcome::Running);
        };
        if row.try_get("won")? {
            return Ok(ClaimOutcome::Claimed);
        }
        let response: Option<Vec<u8>> = row.try_get("answer")?;
        let fingerprint = row.try_get("fingerprint")?;
        Ok(response.map_or(ClaimOutcome::Running, |response| {
            ClaimOutcome::Completed(fingerprint, response)
        }))
    }

    /// Stores the response if the owner still holds the key.
    ///
    /// # Errors
    /// If Postgres fails.
    pub async fn complete(&self, key: &[u8], owner: &[u8], response: &[u8]) -> sqlx::Result<bool> {
        let update = sqlx::query(UPDATE).bind(key).bind(owner).bind(response);
        Ok(update.execute(&self.0).await?.rows_affected() == 1)
    }
}
