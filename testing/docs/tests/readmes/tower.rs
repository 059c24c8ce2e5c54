//! The README of `idem-tower`.

use axum::http; // the crate that the README imports

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use idem_core::{Guarantee, Idempotency, MemoryStore, Policy, ScopeParts, ScopeValue};
use idem_tower::{GuardedBody, IdempotencyLayer};
use tower::{Layer, ServiceExt, service_fn};

static FORWARD: Policy = Policy::new(Duration::from_secs(24 * 60 * 60), Guarantee::AtMostOnce);

/// The tenant that authentication puts into the extensions of the request.
#[derive(Clone)]
struct Tenant(String);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

type Forwarded = Result<Response<Full<Bytes>>, Infallible>;

async fn forward(request: Request<GuardedBody<Full<Bytes>>>) -> Forwarded {
    println!("{} {}", request.method(), request.uri());
    Ok(Response::new(Full::from("charged")))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = IdempotencyLayer::new(Idempotency::new(MemoryStore::new()), &FORWARD)
        .scope_from_extension::<Tenant>()
        .operation(|head| format!("{} upstream", head.method).into())
        .layer(service_fn(forward));

    let request = || {
        let request = Request::post("/charges").header("idempotency-key", "order-1001");
        request.extension(Tenant("acme".to_owned())).body(Full::default())
    };
    let first = service.clone().oneshot(request()?).await?;
    let second = service.oneshot(request()?).await?; // `forward` does not run
    assert!(!first.headers().contains_key("idempotent-replayed"));
    assert_eq!(second.headers()["idempotent-replayed"], "true");
    Ok(())
}

#[test]
fn the_second_request_is_a_replay() {
    main().unwrap();
}
