//! Waiting for replicas: a change counts as done once enough of them have it.

use std::time::Duration;

use deadpool_redis::redis::{Value, cmd};
use idem_core::store::StoreError;

use crate::error::{self, TooFewReplicas, UnexpectedReply};
use crate::link::Live;
use crate::source::{Checkout, Source};

/// How many replicas must take a claim and a completion, and within which time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replicas {
    pub(crate) wanted: u32,
    pub(crate) within: Duration,
}

/// A connection of the pool's own: `WAIT` blocks everything else on it.
pub(crate) struct Own {
    pub(crate) live: Live,
    _checkout: Checkout,
}

impl Replicas {
    pub(crate) async fn check_out(&self, source: &Source) -> Result<Own, StoreError> {
        let checkout = source.check_out().await.map_err(StoreError::not_done)?;
        let live = Live::new(checkout.connection(source.command_timeout + self.within));
        Ok(Own { live, _checkout: checkout })
    }

    /// Waits until enough replicas have what was just written on the connection. If too few have, it may
    /// be lost, and the call is to be sent again.
    pub(crate) async fn confirm(&self, live: &Live) -> Result<(), StoreError> {
        let mut wait = cmd("WAIT");
        wait.arg(self.wanted).arg(self.within.as_millis() as u64);
        match live.send(wait).await.map_err(error::of_command) {
            Ok(Value::Int(taken)) if taken >= i64::from(self.wanted) => Ok(()),
            Ok(Value::Int(taken)) => {
                let taken = taken.cast_unsigned();
                Err(StoreError::unknown(TooFewReplicas { taken, wanted: self.wanted }))
            }
            Ok(_) => Err(StoreError::unknown(UnexpectedReply)),
            Err(error) => Err(StoreError::unknown(error)),
        }
    }
}
