//! `idempotent` 0.3 has no layer, so the handler itself claims the key, as the README shows it.
//!
//! `Metadata` has no public constructor but the empty one, so the content type of a replay is fixed.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use idempotent_0_3::entry::ExistingEntry;
use idempotent_0_3::fingerprint::{DefaultFingerprintStrategy, FingerprintStrategy};
use idempotent_0_3::store::memory::MemoryStore;
use idempotent_0_3::store::valkey::ValkeyStore;
use idempotent_0_3::store::{IdempotencyStore, InsertResult};
use idempotent_0_3::{CachedResponse, Fingerprint, IdempotencyEntry, IdempotencyKey, Metadata};

use crate::payment::charge;
use crate::store_url;

const TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The capacity of the channel to the memory store, and the time between its sweeps: the defaults of version 2.0.
const BUFFER: usize = 64;
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

async fn create_payment<S: IdempotencyStore>(
    State(store): State<Arc<S>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let Some(Ok(key)) = key.map(IdempotencyKey::new) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Ok(payment) = serde_json::from_slice(&body) else {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    };
    let fingerprint = DefaultFingerprintStrategy.compute("POST /payments", &body);
    let entry = IdempotencyEntry::new(fingerprint, TTL);
    let token = match store.try_insert(&key, entry.clone()).await {
        Ok(InsertResult::Claimed { fencing_token }) => fencing_token,
        Ok(InsertResult::Exists(existing)) => return duplicate_response(existing, fingerprint),
        Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    let (parts, body) = (StatusCode::CREATED, Json(charge(payment))).into_response().into_parts();
    let Ok(body) = axum::body::to_bytes(body, 256 << 10).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let status_code = parts.status.as_u16();
    let response =
        CachedResponse { status_code, metadata: Metadata::default(), body: body.clone() };
    match store.complete(&key, entry.complete(response), token).await {
        Ok(()) => Response::from_parts(parts, Body::from(body)),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn duplicate_response(existing: ExistingEntry, fingerprint: Fingerprint) -> Response {
    match existing {
        ExistingEntry::Completed(entry) if entry.fingerprint_matches(fingerprint) => {
            let CachedResponse { status_code, body, .. } = entry.into_response();
            let status = StatusCode::from_u16(status_code).unwrap_or(StatusCode::OK);
            let headers =
                [(CONTENT_TYPE.as_str(), "application/json"), ("idempotent-replayed", "true")];
            (status, headers, body).into_response()
        }
        ExistingEntry::Processing(entry) if entry.fingerprint_matches(fingerprint) => {
            StatusCode::CONFLICT.into_response()
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}

fn router<S: IdempotencyStore>(store: S) -> Router {
    Router::new().route("/payments", post(create_payment::<S>)).with_state(Arc::new(store))
}

pub(crate) fn on_memory() -> Router {
    router(MemoryStore::new(BUFFER, SWEEP_INTERVAL))
}

pub(crate) async fn on_redis() -> anyhow::Result<Router> {
    Ok(router(ValkeyStore::new(redis::Client::open(store_url()?)?).await?))
}
