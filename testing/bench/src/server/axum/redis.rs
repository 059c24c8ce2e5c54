//! The handler on Redis: annotated, and made idempotent by hand.
//!
//! By hand, `SET NX GET` claims, and a script compares the owner, over one shared connection. There is no lease,
//! takeover or wake-up, and a client that disconnects cancels its run.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use idem_axum::{Idempotency, RedisStore, idempotent};
use sha2::{Digest, Sha256};

use crate::by_hand_redis::{ByHand, ClaimOutcome};
use crate::server::{NewPayment, Payment, charge, store_url};

#[idempotent(ttl = "24h", scope = "global")]
async fn create_payment(Json(payment): Json<NewPayment>) -> (StatusCode, Json<Payment>) {
    (StatusCode::CREATED, Json(charge(payment)))
}

pub(in crate::server) async fn annotated() -> anyhow::Result<Router> {
    let store = RedisStore::connect(&store_url()?).await?;
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
    let Some(key) = headers.get("idempotency-key").and_then(|key| key.to_str().ok()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Ok(payment) = serde_json::from_slice(&body) else {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    };
    let fingerprint: [u8; 32] = Sha256::digest(&body).into();
    let owner: [u8; 16] = rand::random();
    match store.claim(key, &owner, &fingerprint).await {
        Ok(ClaimOutcome::Claimed) => {}
        Ok(ClaimOutcome::Running) => return StatusCode::CONFLICT.into_response(),
        Ok(ClaimOutcome::Completed(stored, _)) if stored != fingerprint => {
            return StatusCode::UNPROCESSABLE_ENTITY.into_response();
        }
        Ok(ClaimOutcome::Completed(_, stored)) => return replay(&stored),
        Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
    let (parts, body) = (StatusCode::CREATED, Json(charge(payment))).into_response().into_parts();
    let Ok(body) = axum::body::to_bytes(body, 256 << 10).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let content_type = parts.headers.get("content-type").map_or(&b""[..], HeaderValue::as_bytes);
    let mut stored = Vec::with_capacity(3 + content_type.len() + body.len());
    stored.extend(parts.status.as_u16().to_be_bytes());
    stored.push(content_type.len() as u8);
    stored.extend(content_type);
    stored.extend(&body);
    match store.complete(key, &owner, &fingerprint, &stored).await {
        Ok(true) => Response::from_parts(parts, body.into()),
        _ => StatusCode::CONFLICT.into_response(),
    }
}

fn replay(stored: &Bytes) -> Response {
    let status = u16::from_be_bytes([stored[0], stored[1]]);
    let body_at = 3 + usize::from(stored[2]);
    let mut response = stored.slice(body_at..).into_response();
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    if let Ok(content_type) = HeaderValue::from_bytes(&stored[3..body_at]) {
        headers.insert("content-type", content_type);
    }
    let marker = HeaderName::from_static("idempotent-replayed");
    headers.insert(marker, HeaderValue::from_static("true"));
    response
}
