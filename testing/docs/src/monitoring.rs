//! The guide's chapter on monitoring, and the README of idem-metrics.

use std::error::Error;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use idem_axum::{Idempotency, MemoryStore};
use idem_core::observe::{Event, Observer};
use idem_metrics::Metrics;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the histograms, in seconds.
const BUCKETS: [f64; 9] = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

fn monitored(store: MemoryStore) -> Result<Router, Box<dyn Error>> {
    let prometheus = PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder()?;
    let metrics = Metrics::new();
    let idempotency = Idempotency::builder(store).observer(metrics.clone()).build();
    let state = (metrics, prometheus, idempotency.clone());
    let router = Router::new().route("/metrics", get(render)).with_state(state);
    let router = router.route("/health", idem_axum::health(idempotency));
    Ok(router)
}

async fn render(
    State((metrics, prometheus, idempotency)): State<(Metrics, PrometheusHandle, Idempotency)>,
) -> String {
    metrics.sample(&idempotency).await;
    prometheus.render()
}

async fn find(idempotency: Idempotency, instance: &str) -> Result<(), Box<dyn Error>> {
    let record = idempotency.records()?.find(instance.parse()?).await?;
    drop(record);
    Ok(())
}

struct Pager;

impl Observer for Pager {
    fn observe(&self, event: &Event<'_>) {
        if let Event::LateCompletion { operation, record, .. } = event {
            page(&format!("{operation}: two effects may exist, record {record}"));
        }
    }
}

fn page(_: &str) {}
