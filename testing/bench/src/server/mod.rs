//! One payments route in four variants on each framework: bare, made idempotent by hand, annotated, and behind a layer.

mod actix;
mod axum;
mod parent;
mod payment;
mod records;

use std::time::Duration;

use ::axum::Router;
use anyhow::{Context, bail};
use idem_core::{Guarantee, Policy};

use payment::{NewPayment, Payment, charge};

/// The variants of a framework. The others are compared with the first one, the bare handler.
pub type Variants = [&'static str; 4];

/// The variants with the memory store.
pub const FRAMEWORKS: [Variants; 2] = [
    ["bare-axum", "by-hand-axum", "annotated-axum", "layered-axum"],
    ["bare-actix", "by-hand-actix", "annotated-actix", "layered-actix"],
];

/// The variants with Redis. `STORE_URL` is the URL of the server.
pub const ON_REDIS: [&str; 5] = [
    "bare-axum",
    "by-hand-redis-axum",
    "annotated-redis-axum",
    "bare-actix",
    "annotated-redis-actix",
];

/// The variants with Postgres. `STORE_URL` is the URL of the server.
pub const ON_POSTGRES: [&str; 5] = [
    "by-hand-postgres-axum",
    "annotated-postgres-axum",
    "annotated-postgres-actix",
    "bare-axum",
    "bare-actix",
];

/// The variants with SQLite, and one with Postgres on the same disk. `STORE_URL` is the URL of the store.
pub const ON_SQLITE: [&str; 5] = [
    "annotated-sqlite-axum",
    "annotated-sqlite-actix",
    "annotated-postgres-axum",
    "bare-axum",
    "bare-actix",
];

/// A transaction of two statements, without and with idempotency.
pub const IN_POSTGRES: [&str; 2] = ["business-axum", "transaction-axum"];

/// The settings of the annotated handlers, for the layers.
static POLICY: Policy = Policy::new(Duration::from_secs(24 * 60 * 60), Guarantee::AtMostOnce);

/// Serves a variant on a free port and one thread until the process is killed or its input is closed, and prints the
/// address.
///
/// # Errors
/// If the variant is unknown, or if no port is free.
pub fn serve(variant: &str) -> anyhow::Result<()> {
    parent::end_with_parent();
    let (way, framework) = variant.rsplit_once('-').context("no framework")?;
    match (way, framework) {
        ("bare", "axum") => axum::serve(axum::bare::router()),
        ("by-hand", "axum") => axum::serve(axum::by_hand::router()),
        ("annotated", "axum") => axum::serve(axum::annotated::router()),
        ("layered", "axum") => axum::serve(axum::layered::router()),
        ("by-hand-redis", "axum") => axum::serve_when(axum::redis::by_hand()),
        ("annotated-redis", "axum") => axum::serve_when(axum::redis::annotated()),
        ("by-hand-postgres", "axum") => axum::serve_when(axum::postgres::by_hand()),
        ("annotated-postgres", "axum") => axum::serve_when(axum::postgres::annotated()),
        ("annotated-sqlite", "axum") => axum::serve_when(axum::sqlite::annotated()),
        ("business", "axum") => axum::serve_when(axum::postgres::business()),
        ("transaction", "axum") => axum::serve_when(axum::postgres::transaction()),
        ("annotated-redis", "actix") => actix::serve(actix::annotated::routes_on_redis()?),
        ("annotated-postgres", "actix") => {
            actix::serve_when(actix::annotated::routes_on_postgres())
        }
        ("annotated-sqlite", "actix") => actix::serve_when(actix::annotated::routes_on_sqlite()),
        ("bare", "actix") => actix::serve(actix::bare::routes),
        ("by-hand", "actix") => actix::serve(actix::by_hand::routes()),
        ("annotated", "actix") => actix::serve(actix::annotated::routes()),
        ("layered", "actix") => actix::serve(actix::layered::routes()),
        _ => bail!("unknown variant `{variant}`; expected one of {FRAMEWORKS:?}"),
    }
}

/// Returns the router of a variant on axum with the memory store, for requests without a network.
///
/// # Errors
/// If the variant is unknown.
pub fn router(variant: &str) -> anyhow::Result<Router> {
    match variant {
        "bare-axum" => Ok(axum::bare::router()),
        "by-hand-axum" => Ok(axum::by_hand::router()),
        "annotated-axum" => Ok(axum::annotated::router()),
        "layered-axum" => Ok(axum::layered::router()),
        _ => bail!("no router of the variant `{variant}`"),
    }
}

fn store_url() -> anyhow::Result<String> {
    std::env::var("STORE_URL").context("STORE_URL is not set")
}
