//! Idempotency as a service writes it for itself: a key, a table, a claim, stored responses and a worker that deletes them.

use std::time::Duration;

use actix_web::body::to_bytes;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, HttpResponseBuilder};
use anyhow::{Context, ensure};
use idem_actix::postgres::sqlx::{self, PgPool, PgTransaction};

use super::UserId;

/// The table of the keys.
pub const SCHEMA: &str = "
    CREATE TABLE idempotency (
        user_id bigint NOT NULL,
        key text NOT NULL,
        status smallint,
        header_names text[],
        header_values bytea[],
        body bytea,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (user_id, key)
    );
";

/// A key that a client sent.
pub(crate) struct Key(String);

impl TryFrom<String> for Key {
    type Error = anyhow::Error;

    fn try_from(key: String) -> anyhow::Result<Self> {
        ensure!(!key.is_empty(), "the idempotency key is empty");
        ensure!(key.len() <= 50, "the idempotency key is too long");
        Ok(Self(key))
    }
}

/// What a request with a key may do.
pub(crate) enum Claimed {
    /// Run in this transaction, which has claimed the key.
    Run(PgTransaction<'static>),
    /// Return the response of the first request.
    Replay(HttpResponse),
}

/// Claims a key, or waits until its first request has ended.
pub(crate) async fn claim(pool: &PgPool, user: UserId, key: &Key) -> anyhow::Result<Claimed> {
    let mut tx = pool.begin().await?;
    let insert = "INSERT INTO idempotency (user_id, key) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let inserted = sqlx::query(insert).bind(user.0).bind(&key.0).execute(&mut *tx).await?;
    if inserted.rows_affected() == 1 {
        return Ok(Claimed::Run(tx));
    }
    let saved = saved_response(pool, user, key).await?;
    Ok(Claimed::Replay(saved.context("the key has no response")?))
}

/// The status, the names and values of the headers, and the body.
type Saved = (i16, Vec<String>, Vec<Vec<u8>>, Vec<u8>);

async fn saved_response(
    pool: &PgPool,
    user: UserId,
    key: &Key,
) -> anyhow::Result<Option<HttpResponse>> {
    let select = "SELECT status, header_names, header_values, body FROM idempotency
                  WHERE user_id = $1 AND key = $2 AND status IS NOT NULL";
    let saved: Option<Saved> =
        sqlx::query_as(select).bind(user.0).bind(&key.0).fetch_optional(pool).await?;
    let Some((status, names, values, body)) = saved else { return Ok(None) };
    let mut response = HttpResponseBuilder::new(StatusCode::from_u16(status.try_into()?)?);
    for (name, value) in names.into_iter().zip(values) {
        response.append_header((name, value));
    }
    Ok(Some(response.body(body)))
}

/// Saves the response, and commits it together with the effects.
pub(crate) async fn save_response(
    mut tx: PgTransaction<'static>,
    user: UserId,
    key: &Key,
    response: HttpResponse,
) -> anyhow::Result<HttpResponse> {
    let (head, body) = response.into_parts();
    let body = to_bytes(body).await.map_err(|error| anyhow::anyhow!("{error}"))?;
    let status = i16::try_from(head.status().as_u16())?;
    let names: Vec<_> = head.headers().iter().map(|(name, _)| name.as_str()).collect();
    let values: Vec<_> = head.headers().iter().map(|(_, value)| value.as_bytes()).collect();
    let update = "UPDATE idempotency
                  SET status = $3, header_names = $4, header_values = $5, body = $6
                  WHERE user_id = $1 AND key = $2";
    sqlx::query(update)
        .bind(user.0)
        .bind(&key.0)
        .bind(status)
        .bind(names)
        .bind(values)
        .bind(&*body)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(head.set_body(body).map_into_boxed_body())
}

/// Deletes old keys for as long as the process runs.
pub(crate) async fn delete_expired(pool: PgPool) {
    loop {
        let delete = "DELETE FROM idempotency WHERE created_at < now() - interval '48 hours'";
        if let Err(error) = sqlx::query(delete).execute(&pool).await {
            eprintln!("cannot delete expired keys: {error}");
        }
        actix_web::rt::time::sleep(Duration::from_secs(3600)).await;
    }
}
