//! The handler made idempotent by hand: 64 locked maps, a SHA-256 digest of the body and an atomic claim.
//!
//! It has no lease, fencing token or scope. A client that disconnects cancels its run, and records never expire.

use std::collections::hash_map::Entry;

use actix_web::body::to_bytes_limited;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web::{Data, Json, ServiceConfig, post};
use actix_web::{HttpRequest, HttpResponse, Responder};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::server::charge;
use crate::server::records::{Record, Records};

type StoredResponse = (StatusCode, HeaderMap, Bytes);

async fn create_payment(
    records: Data<Records<StoredResponse>>,
    request: HttpRequest,
    body: Bytes,
) -> HttpResponse {
    let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok());
    let Some(key) = key else {
        return HttpResponse::BadRequest().finish();
    };
    let Ok(payment) = serde_json::from_slice(&body) else {
        return HttpResponse::UnprocessableEntity().finish();
    };
    let fingerprint = Sha256::digest(&body).into();
    match records.shard(key).entry(key.to_owned()) {
        Entry::Occupied(record) => return duplicate_response(record.get(), fingerprint),
        Entry::Vacant(place) => {
            place.insert(Record { fingerprint, response: None });
        }
    }
    let response = (Json(charge(payment)), StatusCode::CREATED).respond_to(&request);
    let (response, body) = response.into_parts();
    let Ok(Ok(body)) = to_bytes_limited(body, 256 << 10).await else {
        return HttpResponse::InternalServerError().finish();
    };
    if let Some(record) = records.shard(key).get_mut(key) {
        record.response = Some((response.status(), response.headers().clone(), body.clone()));
    }
    response.set_body(body).map_into_boxed_body()
}

fn duplicate_response(record: &Record<StoredResponse>, fingerprint: [u8; 32]) -> HttpResponse {
    if record.fingerprint != fingerprint {
        return HttpResponse::UnprocessableEntity().finish();
    }
    let Some((status, headers, body)) = &record.response else {
        return HttpResponse::Conflict().finish();
    };
    let mut response = HttpResponse::build(*status);
    if let Some(content_type) = headers.get(CONTENT_TYPE) {
        response.insert_header((CONTENT_TYPE, content_type.clone()));
    }
    response.insert_header(("idempotent-replayed", "true")).body(body.clone())
}

pub(in crate::server) fn routes() -> impl Fn(&mut ServiceConfig) + Clone {
    let records = Data::new(Records::<StoredResponse>::new());
    move |app| {
        app.app_data(records.clone()).route("/payments", post().to(create_payment));
    }
}
