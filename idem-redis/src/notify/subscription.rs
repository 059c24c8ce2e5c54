//! The subscription to the channel of a namespace.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_redis::redis::aio::PubSub;
use futures_util::StreamExt;
use idem_core::store::Wakeups;
use tokio::time::sleep;

use super::endpoint::Endpoint;
use crate::keys;

/// The pause after the first failure. It doubles with each further failure, up to the maximum. Each pause
/// is shortened by up to a half at random.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The subscription, and the waiters that it wakes.
pub(super) struct Subscription {
    endpoint: Endpoint,
    channel: String,
    pub(super) waiters: Wakeups,
    is_active: AtomicBool,
}

impl Subscription {
    pub(super) fn new(endpoint: Endpoint, channel: String) -> Self {
        let (waiters, is_active) = (Wakeups::default(), AtomicBool::new(false));
        Self { endpoint, channel, waiters, is_active }
    }

    pub(super) fn is_active(&self) -> bool {
        self.is_active.load(Ordering::SeqCst)
    }

    pub(super) fn deactivate(&self) {
        self.is_active.store(false, Ordering::SeqCst);
    }

    /// Subscribes, and again after each loss. Never returns.
    pub(super) async fn run(self: Arc<Self>) {
        let mut pause = FIRST_PAUSE;
        let mut logged = None;
        let server = &*self.endpoint.server;
        loop {
            match self.endpoint.subscribe(&self.channel).await {
                Ok(subscribed) => {
                    (pause, logged) = (FIRST_PAUSE, None);
                    self.receive(subscribed).await;
                    tracing::warn!(
                        server,
                        "Redis subscription lost; waiting duplicates fall back to polling"
                    );
                }
                Err(error) => {
                    // A cause that lasts, such as a missing permission, is logged once.
                    let cause = error.to_string();
                    if logged.as_ref() != Some(&cause) {
                        let error = &error as &dyn Error;
                        tracing::warn!(
                            server,
                            error,
                            "cannot subscribe to Redis; waiting duplicates fall back to polling"
                        );
                        logged = Some(cause);
                    }
                }
            }
            sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Wakes waiters until the connection is lost.
    async fn receive(&self, subscribed: PubSub) {
        self.is_active.store(true, Ordering::SeqCst);
        self.waiters.wake_all();
        let mut messages = subscribed.into_on_message();
        while let Some(message) = messages.next().await {
            if let Some(id) = keys::parse_digits(message.get_payload_bytes()) {
                self.waiters.wake(&id);
            }
        }
        self.deactivate();
    }
}
