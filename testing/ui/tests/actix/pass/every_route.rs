//! The attribute below route macros, and on handlers of routes that are built by calls.

#![deny(warnings)]

use actix_web::{App, HttpResponse, Responder, guard, patch, post, route, routes, web};
use idem_actix::idempotent;

#[post("/payments")]
#[idempotent(ttl = "24h", scope = "tenant")]
async fn create(tenant: String) -> String {
    tenant
}

/// A route with a guard.
#[patch("/payments/{id}", guard = "typed")]
#[idempotent(ttl = "24h", scope = "tenant")]
pub async fn amend(id: web::Path<u64>, tenant: String) -> impl Responder {
    drop((id, tenant));
    HttpResponse::NoContent()
}

fn typed(context: &guard::GuardContext<'_>) -> bool {
    context.head().headers.contains_key("content-type")
}

#[actix_web::put("/payments/{id}")]
#[idempotent(ttl = "24h", scope = "tenant")]
async fn replace(tenant: String) -> String {
    tenant
}

#[route("/refunds", method = "POST", method = "PUT")]
#[idempotent(ttl = "24h", scope = "tenant")]
async fn refund(tenant: String) -> String {
    tenant
}

#[routes]
#[post("/charges")]
#[put("/charges")]
#[idempotent(ttl = "24h", scope = "tenant")]
async fn charge(tenant: String) -> String {
    tenant
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn plain(tenant: String) -> String {
    tenant
}

#[test]
fn builds() {
    let api = web::scope("/api").guard(guard::Host("api.example")).service(create).service(amend);
    let _ = App::new()
        .service(api)
        .service(replace)
        .service(refund)
        .service(charge)
        .service(web::resource("/plain").route(web::post().guard(guard::fn_guard(typed)).to(plain)))
        .route("/plain/{id}", web::put().to(plain))
        .default_service(web::post().to(plain));
}
