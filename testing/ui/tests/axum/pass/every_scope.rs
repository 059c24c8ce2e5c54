//! The types that can be a scope.

#![deny(warnings)]

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::ConnectInfo;
use axum::routing::post;
use axum::{Extension, Json, Router};
use idem_axum::{Idempotency, MemoryStore, OrAnonymous, ScopeParts, ScopeValue, idempotent};

#[derive(Clone)]
struct Tenant(String);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn by_extension(tenant: Extension<Tenant>, Json(amount): Json<u64>) -> Json<u64> {
    drop(tenant);
    Json(amount)
}

#[idempotent(ttl = "24h", scope = "tenant, region, tenant.0.0.len()")]
async fn parts(tenant: Extension<Tenant>, Extension(region): Extension<String>) -> String {
    drop(tenant);
    region
}

#[idempotent(ttl = "24h", scope = "user.as_ref().map(|user| &user.0)")]
async fn optional(user: Option<Extension<Tenant>>) {
    drop(user);
}

#[idempotent(ttl = "24h", scope = "OrAnonymous(user)")]
async fn anonymous(Extension(user): Extension<Option<Tenant>>) {
    drop(user);
}

#[idempotent(ttl = "24h", scope = "OrAnonymous(user.as_ref().map(|user| &user.0))")]
async fn anonymous_extension(user: Option<Extension<Tenant>>) {
    drop(user);
}

#[idempotent(ttl = "24h", scope = "address.ip()")]
async fn by_address(ConnectInfo(address): ConnectInfo<std::net::SocketAddr>) -> String {
    address.to_string()
}

#[idempotent(ttl = "24h", scope = "v4, ip")]
async fn by_addresses(Extension((v4, ip)): Extension<(Ipv4Addr, IpAddr)>) -> String {
    format!("{v4} {ip}")
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn generic<T: ScopeValue + Clone + Send + Sync + 'static>(tenant: Extension<T>) {
    drop(tenant);
}

#[test]
fn builds() {
    let _: Router = Router::new()
        .route("/1", post(by_extension))
        .route("/2", post(parts))
        .route("/3", post(optional))
        .route("/4", post(anonymous))
        .route("/5", post(anonymous_extension))
        .route("/6", post(by_address))
        .route("/7", post(by_addresses))
        .route("/8", post(generic::<Tenant>))
        .with_state(Idempotency::new(MemoryStore::new()));
}
