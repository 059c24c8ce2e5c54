//! The progress of long listings.

use std::pin::pin;
use std::time::{Duration, Instant};

use idem_core::records::{Listing, RecordHandle, RecordsError};
use tokio::time::{MissedTickBehavior, interval_at};

/// The time between two notes.
const PAUSE: Duration = Duration::from_secs(5);

/// Reads a listing, and notes on standard error that it still does.
pub(crate) struct Progress {
    listing: Listing,
    started: Instant,
    found: u64,
}

impl Progress {
    pub(crate) fn of(listing: Listing) -> Self {
        Self { listing, started: Instant::now(), found: 0 }
    }

    /// Returns the next record, or `None` after the last one.
    pub(crate) async fn try_next(&mut self) -> Result<Option<RecordHandle>, RecordsError> {
        let mut ticks = interval_at((Instant::now() + PAUSE).into(), PAUSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next = pin!(self.listing.try_next());
        loop {
            tokio::select! {
                found = &mut next => {
                    self.found += 1;
                    return found;
                }
                _ = ticks.tick() => {
                    let seconds = self.started.elapsed().as_secs();
                    eprintln!("note: reading for {seconds} s; {} records so far", self.found);
                }
            }
        }
    }
}
