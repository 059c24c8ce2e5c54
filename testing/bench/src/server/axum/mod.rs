//! The variants on axum.

pub(super) mod annotated;
pub(super) mod bare;
pub(super) mod by_hand;
pub(super) mod layered;
pub(super) mod postgres;
pub(super) mod redis;
mod serve;
pub(super) mod sqlite;

use axum::Router;

pub(super) use serve::serve_when;

pub(super) fn serve(router: Router) -> anyhow::Result<()> {
    serve_when(async { Ok(router) })
}
