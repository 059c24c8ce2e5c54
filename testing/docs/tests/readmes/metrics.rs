//! The README of `idem-metrics`.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use idem_axum::{Idempotency, MemoryStore, idempotent};
use idem_metrics::Metrics;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// The upper bounds of the histograms, in seconds.
const BUCKETS: [f64; 9] = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

#[idempotent(ttl = "24h", scope = "global")]
async fn create_order(order: String) -> String {
    format!("accepted: {order}")
}

/// The endpoint `/metrics` reads the gauges, and renders everything.
async fn render(
    State((metrics, prometheus, idempotency)): State<(Metrics, PrometheusHandle, Idempotency)>,
) -> String {
    metrics.sample(&idempotency).await;
    prometheus.render()
}

fn app() -> Result<(Router, Idempotency), BuildError> {
    // First the exporter: metrics belong to the exporter that is installed when they are made.
    let prometheus = PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder()?;
    let metrics = Metrics::new();
    let idempotency = Idempotency::builder(MemoryStore::new()).observer(metrics.clone()).build();
    let orders = Router::new().route("/orders", post(create_order)).with_state(idempotency.clone());
    let state = (metrics, prometheus, idempotency.clone());
    let app = orders.merge(Router::new().route("/metrics", get(render)).with_state(state));
    Ok((app, idempotency))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (app, idempotency) = app()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let drained = idem_axum::serve(listener, app, &idempotency).await?;
    println!("stopped: {drained:?}");
    Ok(())
}

mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn calls_are_counted_by_outcome() {
        let (app, _) = app().unwrap();
        for _ in 0..2 {
            let order = Request::post("/orders").header("idempotency-key", "order-1001");
            let response = app.clone().oneshot(order.body(Body::from("a book")).unwrap()).await;
            assert_eq!(response.unwrap().status(), StatusCode::OK);
        }
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let body = app.oneshot(request).await.unwrap().into_body();
        let body = body.collect().await.unwrap().to_bytes();
        let text = str::from_utf8(&body).unwrap();
        for outcome in ["executed", "replayed"] {
            let is_one = |line: &str| {
                let counted = line.starts_with("idem_calls_total") && line.contains(outcome);
                counted && line.ends_with(" 1")
            };
            assert!(text.lines().any(is_one), "{outcome}: {text}");
        }
    }
}
