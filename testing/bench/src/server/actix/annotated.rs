//! The handler with the attribute, on every store.

use actix_web::Responder;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, ServiceConfig, post};
use idem_actix::{Idempotency, MemoryStore, PostgresStore, RedisStore, SqliteStore, idempotent};

use crate::server::{NewPayment, charge, store_url};

#[idempotent(ttl = "24h", scope = "global")]
async fn create_payment(Json(payment): Json<NewPayment>) -> impl Responder {
    (Json(charge(payment)), StatusCode::CREATED)
}

pub(in crate::server) fn routes() -> impl Fn(&mut ServiceConfig) + Clone {
    let store = MemoryStore::with_capacity(usize::MAX, usize::MAX);
    routes_on(Idempotency::new(store))
}

pub(in crate::server) fn routes_on_redis() -> anyhow::Result<impl Fn(&mut ServiceConfig) + Clone> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let store = runtime.block_on(RedisStore::connect(&store_url()?))?;
    Ok(routes_on(Idempotency::new(store)))
}

pub(in crate::server) async fn routes_on_postgres()
-> anyhow::Result<impl Fn(&mut ServiceConfig) + Clone> {
    let store = PostgresStore::connect(&store_url()?).await?;
    Ok(routes_on(Idempotency::new(store)))
}

pub(in crate::server) async fn routes_on_sqlite()
-> anyhow::Result<impl Fn(&mut ServiceConfig) + Clone> {
    let store = SqliteStore::open(store_url()?).await?;
    Ok(routes_on(Idempotency::new(store)))
}

fn routes_on(idempotency: Idempotency) -> impl Fn(&mut ServiceConfig) + Clone {
    let idempotency = Data::new(idempotency);
    move |app| {
        app.app_data(idempotency.clone()).route("/payments", post().to(create_payment));
    }
}
