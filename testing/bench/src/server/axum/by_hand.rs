//! The handler made idempotent by hand: 64 locked maps, a SHA-256 digest of the body and an atomic claim.
//!
//! It has no lease, fencing token or scope. A client that disconnects cancels its run, and records never expire.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::server::charge;
use crate::server::records::{Record, Records};

type StoredResponse = (StatusCode, HeaderMap, Bytes);

async fn create_payment(
    State(records): State<Arc<Records<StoredResponse>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(key) = headers.get("idempotency-key").and_then(|key| key.to_str().ok()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Ok(payment) = serde_json::from_slice(&body) else {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    };
    let fingerprint = Sha256::digest(&body).into();
    match records.shard(key).entry(key.to_owned()) {
        Entry::Occupied(record) => return duplicate_response(record.get(), fingerprint),
        Entry::Vacant(place) => {
            place.insert(Record { fingerprint, response: None });
        }
    }
    let (parts, body) = (StatusCode::CREATED, Json(charge(payment))).into_response().into_parts();
    let Ok(body) = axum::body::to_bytes(body, 256 << 10).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if let Some(record) = records.shard(key).get_mut(key) {
        record.response = Some((parts.status, parts.headers.clone(), body.clone()));
    }
    Response::from_parts(parts, Body::from(body))
}

fn duplicate_response(record: &Record<StoredResponse>, fingerprint: [u8; 32]) -> Response {
    if record.fingerprint != fingerprint {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    let Some((status, headers, body)) = &record.response else {
        return StatusCode::CONFLICT.into_response();
    };
    let mut response = (*status, body.clone()).into_response();
    let content_type = headers.get(CONTENT_TYPE).cloned();
    response.headers_mut().extend(content_type.map(|value| (CONTENT_TYPE, value)));
    response
        .headers_mut()
        .insert(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));
    response
}

pub(in crate::server) fn router() -> Router {
    Router::new().route("/payments", post(create_payment)).with_state(Arc::new(Records::new()))
}
