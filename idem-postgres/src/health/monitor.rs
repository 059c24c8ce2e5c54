//! The periodic health check.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::sleep;

use super::{HealthIssue, check};
use crate::shared::Shared;

/// The time between two health checks.
const PERIOD: Duration = Duration::from_secs(60);

/// Starts the periodic check. It ends with the store.
pub(crate) fn start(shared: &Arc<Shared>) {
    tokio::spawn(monitor(Arc::downgrade(shared)));
}

/// Checks the server every minute and logs issues. It also closes idle connections.
async fn monitor(shared: Weak<Shared>) {
    loop {
        sleep(PERIOD).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.connections.close_idle();
        match check(&shared).await {
            Ok(issues) => log(&shared, &issues),
            Err(error) => tracing::warn!(
                server = &*shared.connections.server,
                error = &error as &dyn std::error::Error,
                "Postgres health check failed"
            ),
        }
    }
}

/// Logs the issues that the store continues in spite of.
pub(crate) fn log(shared: &Shared, issues: &[HealthIssue]) {
    for issue in issues {
        tracing::error!(
            server = &*shared.connections.server,
            "unsafe Postgres configuration: {issue}"
        );
    }
}
