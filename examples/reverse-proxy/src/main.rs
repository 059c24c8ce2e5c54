//! A reverse proxy that makes the service behind it idempotent, without a change to that service.
//!
//! `cargo run -p reverse-proxy -- --upstream http://127.0.0.1:8080 --store sqlite:keys.db` starts it.

mod store;

use std::io;
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION, HOST, UPGRADE};
use axum::http::{HeaderMap, StatusCode, Uri, uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use clap::Parser;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use idem_axum::{Drained, Guarantee, Idempotency, IdempotencyLayer, Outcome, Policy};
use tokio::net::TcpListener;

/// All methods and paths are one operation, so a key belongs to one request. Requests without a key pass through, so
/// clients can adopt keys one by one.
static FORWARD: Policy = Policy::new(Duration::from_secs(24 * 60 * 60), Guarantee::AtMostOnce)
    .with_operation("upstream")
    .with_optional_key();

type Upstream = (Client<HttpConnector, Body>, Uri);

/// A reverse proxy that makes the service behind it idempotent
#[derive(Parser)]
struct Args {
    /// Address to listen on
    #[arg(long, env = "IDEM_LISTEN", default_value = "127.0.0.1:3000")]
    listen: String,
    /// URL of the service behind the proxy, such as `http://127.0.0.1:8080`
    #[arg(long)]
    upstream: Uri,
    /// Store of the keys: `sqlite:FILE`, `redis://…` or `postgres://…`; in memory if omitted
    #[arg(long, env = "IDEM_STORE", hide_env_values = true)]
    store: Option<String>,
}

/// The tenant of a bearer token. A real proxy verifies the token with its issuer.
fn tenant(headers: &HeaderMap) -> Option<&'static str> {
    match headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")? {
        "alice-token" => Some("acme"),
        "carol-token" => Some("globex"),
        _ => None,
    }
}

async fn authenticate(mut request: Request, next: Next) -> Response {
    let Some(tenant) = tenant(request.headers()) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    request.extensions_mut().insert(tenant);
    next.run(request).await
}

async fn forward(State((client, to)): State<Upstream>, mut request: Request) -> Response {
    let mut target = uri::Parts::from(to);
    target.path_and_query = request.uri().path_and_query().cloned();
    let Ok(target) = Uri::from_parts(target) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = target;
    for name in [HOST, CONNECTION, UPGRADE] {
        request.headers_mut().remove(name);
    }
    match client.request(request).await {
        Ok(response) => keeps_the_key(response.map(Body::new)),
        // This 503 frees the key: nothing was sent. A 502 keeps it: the service may have acted.
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "no response");
            let status = if error.is_connect() {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                StatusCode::BAD_GATEWAY
            };
            status.into_response()
        }
    }
}

/// Keeps the key after failures before which the upstream may have acted. By default 408, 421, 425, 429 and 503 free it.
fn keeps_the_key(mut response: Response) -> Response {
    let status = response.status();
    if status.is_server_error() || matches!(status.as_u16(), 408 | 421 | 425 | 429) {
        response.extensions_mut().insert(Outcome::Final);
    }
    response
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let Args { listen, upstream, store } = Args::parse();
    ensure!(
        upstream.authority().is_some(),
        "`--upstream` needs a URL such as http://127.0.0.1:8080"
    );
    let idempotency = Idempotency::builder(store::open(store).await?).namespace("proxy").build();
    let guard = IdempotencyLayer::new(idempotency.clone(), &FORWARD).scope_from_extension::<&str>();
    let router = Router::new()
        .route("/", any(forward))
        .route("/{*path}", any(forward))
        .route_layer(guard)
        .layer(from_fn(authenticate))
        .with_state((Client::builder(TokioExecutor::new()).build_http(), upstream));
    let listener =
        TcpListener::bind(&listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    println!("listening on http://{}", listener.local_addr()?);
    let drained = idem_axum::serve(listener, router, &idempotency).await?;
    ensure!(drained == Drained::Finished, "some requests were still running after 30 s");
    Ok(())
}
