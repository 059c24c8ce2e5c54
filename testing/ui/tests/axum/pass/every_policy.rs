//! Settings that handlers share in a constant.

#![deny(warnings)]

use std::time::Duration;

use axum::routing::post;
use axum::{Json, Router};
use idem_axum::{
    Guarantee, Idempotency, KeyFormat, MemoryStore, Policy, Recovery, idempotent,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings of all payments.
pub const PAYMENTS: Policy = Policy::new(DAY, Guarantee::AtMostOnce)
    .with_wait(Duration::from_secs(3))
    .with_hold(DAY.saturating_mul(90))
    .with_releases(&[400, 422]);

static RETRIED: Policy = Policy::new(DAY, Guarantee::AtLeastOnce).with_optional_key();

mod handlers {
    use super::*;

    #[idempotent(policy = "super::PAYMENTS", scope = "global")]
    pub(crate) async fn alone(Json(amount): Json<u64>) -> Json<u64> {
        Json(amount)
    }
}

// A short `ttl` alone is accepted, beside the default lease.
#[idempotent(policy = "PAYMENTS", scope = "global", ttl = "2s", operation = "payments.overridden")]
async fn overridden(Json(amount): Json<u64>) -> Json<u64> {
    Json(amount)
}

#[idempotent(
    policy = "crate::axum::pass::every_policy::PAYMENTS",
    scope = "global",
    ttl = "60d",
    hold = "61d",
    settle = "1m",
    lease = "10s",
    max_run = "20s",
    wait = "1s",
    recover = "find(*amount)",
    fingerprint = "raw",
    syntax = "strict"
)]
async fn recovered(Json(amount): Json<u64>) -> Json<u64> {
    Json(amount)
}

async fn find(amount: u64) -> Recovery<Json<u64>> {
    Recovery::Happened(Json(amount))
}

#[idempotent(policy = "crate::axum::pass::every_policy::RETRIED", scope = "global", max_attempts = 5)]
async fn retried() {}

const DATED: Policy =
    Policy::new(DAY, Guarantee::AtMostOnce).with_key_format(KeyFormat::UuidV7).with_max_age(DAY);

#[idempotent(policy = "DATED", scope = "global")]
async fn dated() {}

#[idempotent(policy = "DATED", scope = "global", ttl = "2d", max_age = "36h")]
async fn dated_for_longer() {}

#[idempotent(policy = "PAYMENTS", scope = "global", guarantee = "at-least-once", max_attempts = 5)]
async fn another_guarantee() {}

#[test]
fn builds() {
    let _: Router = Router::new()
        .route("/1", post(handlers::alone))
        .route("/2", post(overridden))
        .route("/3", post(recovered))
        .route("/4", post(retried))
        .route("/5", post(another_guarantee))
        .route("/6", post(dated))
        .route("/7", post(dated_for_longer))
        .with_state(Idempotency::new(MemoryStore::new()));
}
