//! Handlers with type parameters of their own, mounted as in plain actix-web, and called without a guard.

#![deny(warnings)]

use actix_web::{App, Responder, post, web};
use idem_actix::idempotent;

trait Repo {
    async fn save(&self, amount: u64) -> u64;
}

struct PgRepo;

impl Repo for PgRepo {
    async fn save(&self, amount: u64) -> u64 {
        amount
    }
}

/// Creates a payment.
#[idempotent(ttl = "24h", scope = "global")]
async fn create<R: Repo>(repo: web::Data<R>, amount: web::Json<u64>) -> impl Responder {
    repo.save(*amount).await.to_string()
}

#[idempotent(ttl = "24h", scope = "global")]
async fn constant<T, const N: usize>() -> String
where
    T: Default + ToString,
{
    format!("{}/{N}", T::default().to_string())
}

// Below a route macro, both functions are inside the service.
#[post("/routed")]
#[idempotent(ttl = "24h", scope = "global")]
async fn routed(amount: web::Json<u64>) -> String {
    amount.to_string()
}

async fn called() -> String {
    drop(create_unguarded::<PgRepo>(web::Data::new(PgRepo), web::Json(1)).await);
    constant_unguarded::<u8, 3>().await
}

#[test]
fn builds() {
    let _ = App::new()
        .app_data(web::Data::new(PgRepo))
        .service(routed)
        .route("/1", web::post().to(create::<PgRepo>))
        .route("/2", web::post().to(constant::<u8, 3>));
    drop(called());
}
