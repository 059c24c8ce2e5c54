//! The endpoints `/metrics` and `/health`.

use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use idem_axum::{Idempotency, IdempotencyBuilder};
use idem_metrics::Metrics;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::time::interval;

/// Upper bounds of the histograms, in seconds.
const BUCKETS: [f64; 9] = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

pub(crate) struct Monitoring {
    metrics: Metrics,
    prometheus: PrometheusHandle,
}

impl Monitoring {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS)?;
        let prometheus = builder.install_recorder().context("a recorder is installed already")?;
        let upkeep = prometheus.clone();
        tokio::spawn(async move {
            let mut ticks = interval(Duration::from_secs(5));
            loop {
                ticks.tick().await;
                // Bounds the memory of the histograms while nothing reads `/metrics`.
                upkeep.run_upkeep();
            }
        });
        Ok(Self { metrics: Metrics::new(), prometheus })
    }

    pub(crate) fn observe(&self, builder: IdempotencyBuilder) -> IdempotencyBuilder {
        builder.observer(self.metrics.clone())
    }

    pub(crate) fn routes(self, idempotency: &Idempotency) -> Router {
        let health = idem_axum::health(idempotency.clone());
        let state = (self.metrics, self.prometheus, idempotency.clone());
        Router::new().route("/metrics", get(render)).with_state(state).route("/health", health)
    }
}

async fn render(
    State((metrics, prometheus, idempotency)): State<(Metrics, PrometheusHandle, Idempotency)>,
) -> String {
    metrics.sample(&idempotency).await;
    prometheus.render()
}
