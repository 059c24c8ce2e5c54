//! The endpoints `/metrics` and `/health`.

use std::time::Duration;

use actix_web::rt;
use actix_web::web::{Data, ServiceConfig, get};
use anyhow::Context;
use idem_actix::{Idempotency, IdempotencyBuilder};
use idem_metrics::Metrics;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the histograms, in seconds.
const BUCKETS: [f64; 9] = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

#[derive(Clone)]
pub(crate) struct Monitoring {
    metrics: Metrics,
    prometheus: PrometheusHandle,
}

impl Monitoring {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS)?;
        let prometheus = builder.install_recorder().context("a recorder is installed already")?;
        let upkeep = prometheus.clone();
        rt::spawn(async move {
            let mut ticks = rt::time::interval(Duration::from_secs(5));
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

    pub(crate) fn routes(&self, idempotency: &Idempotency, app: &mut ServiceConfig) {
        app.app_data(Data::new(self.clone()))
            .route("/metrics", get().to(render))
            .route("/health", idem_actix::health(idempotency.clone()));
    }
}

async fn render(monitoring: Data<Monitoring>, idempotency: Data<Idempotency>) -> String {
    monitoring.metrics.sample(&idempotency).await;
    monitoring.prometheus.render()
}
