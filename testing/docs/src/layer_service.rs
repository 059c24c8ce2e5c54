//! The guide's chapter on the layer, around a tower service, and the README of idem-tower.

use std::io;

use axum::http::{Request, Response};
use bytes::Bytes;
use http_body_util::Full;
use idem_core::Idempotency;
use idem_tower::{GuardedBody, IdempotencyLayer};
use tower::{Layer, Service, service_fn};

use crate::layer::{FORWARD, Tenant};

fn guard(idempotency: Idempotency) -> impl Service<Request<Full<Bytes>>> {
    IdempotencyLayer::new(idempotency, &FORWARD)
        .scope_from_extension::<Tenant>()
        .operation(|head| format!("{} upstream", head.method).into())
        .layer(service_fn(forward))
}

async fn forward(_: Request<GuardedBody<Full<Bytes>>>) -> io::Result<Response<Full<Bytes>>> {
    Ok(Response::default())
}
