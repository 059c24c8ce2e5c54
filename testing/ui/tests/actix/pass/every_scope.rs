//! The extractor of what a middleware established can be a scope.

#![deny(warnings)]

use actix_web::{App, web};
use idem_actix::{OrAnonymous, ScopeParts, ScopeValue, idempotent};

#[derive(Clone)]
struct Tenant(String);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn by_extension(tenant: web::ReqData<Tenant>) -> String {
    tenant.0.clone()
}

#[idempotent(ttl = "24h", scope = "tenant, user")]
async fn parts(tenant: web::ReqData<Tenant>, user: web::ReqData<i64>) -> String {
    format!("{}/{}", tenant.0, *user)
}

#[idempotent(ttl = "24h", scope = "OrAnonymous(user.as_deref())")]
async fn anonymous(user: Option<web::ReqData<Tenant>>) -> String {
    user.is_some().to_string()
}

#[test]
fn builds() {
    let _ = App::new()
        .route("/1", web::post().to(by_extension))
        .route("/2", web::post().to(parts))
        .route("/3", web::post().to(anonymous));
}
