//! The metrics of the process in the text format of Prometheus.

use std::fmt;

use anyhow::{Context, Result};
use idem_core::Idempotency;
use idem_metrics::Metrics;
use idem_testkit::app::Reply;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the histograms, in seconds.
const BUCKETS: [f64; 9] = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// The metrics of the process. Clones share them.
#[derive(Clone)]
pub struct Exporter {
    pub observer: Metrics,
    prometheus: PrometheusHandle,
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Exporter").field(&self.observer).finish()
    }
}

impl Exporter {
    /// Installs the recorder of the process.
    ///
    /// # Errors
    /// If the process has one already.
    pub fn install() -> Result<Self> {
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS)?;
        let prometheus = builder.install_recorder().context("cannot install the recorder")?;
        Ok(Self { observer: Metrics::new(), prometheus })
    }

    /// Reads the gauges, and returns all metrics.
    pub async fn render(&self, idempotency: &Idempotency) -> Reply {
        self.observer.sample(idempotency).await;
        Reply::new(200, "text/plain; version=0.0.4; charset=utf-8", self.prometheus.render())
    }
}
