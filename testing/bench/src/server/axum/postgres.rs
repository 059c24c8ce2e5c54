//! The handler on Postgres: annotated, and made idempotent by hand. Also a transaction of two statements, with and
//! without its record.
//!
//! By hand, one statement claims or reads, and an update compares the owner. There is no lease, takeover or wake-up,
//! and a client that disconnects cancels its run.

use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use idem_axum::postgres::sqlx::{self, PgConnection, PgPool, postgres::PgPoolOptions};
use idem_axum::{Idempotency, PostgresStore, Tx, idempotent};
use sha2::{Digest, Sha256};

use crate::by_hand_postgres::{ByHand, ClaimOutcome};
use crate::server::{NewPayment, Payment, charge, store_url};

#[idempotent(ttl = "24h", scope = "global")]
async fn create_payment(Json(payment): Json<NewPayment>) -> (StatusCode, Json<Payment>) {
    (StatusCode::CREATED, Json(charge(payment)))
}

pub(in crate::server) async fn annotated() -> anyhow::Result<Router> {
    let store = PostgresStore::connect(&store_url()?).await?;
    Ok(Router::new().route("/payments", post(create_payment)).with_state(Idempotency::new(store)))
}

pub(in crate::server) async fn by_hand() -> anyhow::Result<Router> {
    let store = ByHand::connect(&store_url()?).await?;
    Ok(Router::new().route("/payments", post(create_payment_by_hand)).with_state(store))
}

async fn create_payment_by_hand(
    State(store): State<ByHand>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(key) = headers.get("idempotency-key") else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Ok(payment) = serde_json::from_slice(&body) else {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    };
    let fingerprint: [u8; 32] = Sha256::digest(&body).into();
    let (key, owner): (_, [u8; 16]) = (key.as_bytes(), rand::random());
    match store.claim(key, &owner, &fingerprint).await {
        Ok(ClaimOutcome::Claimed) => {}
        Ok(ClaimOutcome::Running) => return StatusCode::CONFLICT.into_response(),
        Ok(ClaimOutcome::Completed(stored, _)) if stored != fingerprint => {
            return StatusCode::UNPROCESSABLE_ENTITY.into_response();
        }
        Ok(ClaimOutcome::Completed(_, stored)) => return replay(stored),
        Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
    let (parts, body) = (StatusCode::CREATED, Json(charge(payment))).into_response().into_parts();
    let Ok(body) = axum::body::to_bytes(body, 256 << 10).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    match store.complete(key, &owner, &body).await {
        Ok(true) => Response::from_parts(parts, body.into()),
        _ => StatusCode::CONFLICT.into_response(),
    }
}

fn replay(stored: Vec<u8>) -> Response {
    let marker = HeaderName::from_static("idempotent-replayed");
    let json = HeaderValue::from_static("application/json");
    let headers = [
        (marker, HeaderValue::from_static("true")),
        (HeaderName::from_static("content-type"), json),
    ];
    (StatusCode::CREATED, headers, stored).into_response()
}

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    database: PgPool,
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS payment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, amount bigint, note text);
    CREATE TABLE IF NOT EXISTS balance (id int PRIMARY KEY, amount bigint);
    INSERT INTO balance SELECT n, 0 FROM generate_series(0, 999) AS n ON CONFLICT DO NOTHING";

async fn app() -> anyhow::Result<App> {
    let url = store_url()?;
    let options = PgPoolOptions::new().max_connections(16).test_before_acquire(false);
    let database = options.connect(&url).await?;
    sqlx::raw_sql(TABLE).execute(&database).await?;
    let idempotency = Idempotency::new(PostgresStore::connect(&url).await?);
    Ok(App { idempotency, database })
}

/// The business transaction: an insert and an update.
async fn pay(tx: &mut PgConnection, payment: NewPayment) -> sqlx::Result<Json<Payment>> {
    let insert = "INSERT INTO payment (amount, note) VALUES ($1, $2)";
    let amount = payment.amount.cast_signed();
    sqlx::query(insert).bind(amount).bind(&payment.note).execute(&mut *tx).await?;
    let update = "UPDATE balance SET amount = amount + $1 WHERE id = $2";
    let account = rand::random_range(0..1000);
    sqlx::query(update).bind(amount).bind(account).execute(tx).await?;
    Ok(Json(charge(payment)))
}

async fn pay_unguarded(
    State(database): State<PgPool>,
    Json(payment): Json<NewPayment>,
) -> Result<(StatusCode, Json<Payment>), StatusCode> {
    let paid = async {
        let mut tx = database.begin().await?;
        let paid = pay(&mut tx, payment).await?;
        tx.commit().await?;
        Ok::<_, sqlx::Error>(paid)
    };
    let paid = paid.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok((StatusCode::CREATED, paid))
}

#[idempotent(ttl = "24h", scope = "global")]
async fn pay_once(
    mut tx: Tx,
    Json(payment): Json<NewPayment>,
) -> Result<(StatusCode, Json<Payment>), StatusCode> {
    let paid = pay(&mut tx, payment).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok((StatusCode::CREATED, paid))
}

pub(in crate::server) async fn business() -> anyhow::Result<Router> {
    Ok(Router::new().route("/payments", post(pay_unguarded)).with_state(app().await?))
}

pub(in crate::server) async fn transaction() -> anyhow::Result<Router> {
    Ok(Router::new().route("/payments", post(pay_once)).with_state(app().await?))
}
