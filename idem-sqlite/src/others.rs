//! Wake-ups for changes of other processes.

use std::sync::Weak;
use std::time::Duration;

use sqlx::{Row, query};
use tokio::time::sleep;

use crate::shared::Shared;

/// The pause between two looks at the file. It doubles while no other process has changed anything.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// While duplicates wait, looks for changes that other processes have committed, and wakes all of them. The writer does
/// the same before its own transactions.
pub(crate) async fn watch(shared: Weak<Shared>) {
    loop {
        let Some(current) = shared.upgrade() else { return };
        if !current.wakeups.has_waiters() {
            // The store may be dropped in the meantime, so the wait ends by itself.
            drop(tokio::time::timeout(MAX_PAUSE, current.waiting.notified()).await);
            continue;
        }
        drop(current);
        follow(&shared).await;
    }
}

async fn follow(shared: &Weak<Shared>) {
    let mut pause = FIRST_PAUSE;
    let mut seen = None;
    loop {
        sleep(pause).await;
        let Some(shared) = shared.upgrade() else { return };
        if !shared.wakeups.has_waiters() {
            return;
        }
        pause = (pause * 2).min(MAX_PAUSE);
        let rows = shared.side.fetch_all(query("SELECT now, writer FROM idem_store")).await;
        let Some(row) = rows.ok().and_then(|rows| rows.into_iter().next()) else { continue };
        let writer: Vec<u8> = row.try_get("writer").unwrap_or_default();
        let now: Option<i64> = row.try_get("now").ok();
        if writer != shared.connector.writer && now != seen {
            seen = now;
            pause = FIRST_PAUSE;
            shared.wakeups.wake_all();
        }
    }
}
