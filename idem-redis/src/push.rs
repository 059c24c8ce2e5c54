//! Wake-ups for waiting duplicates: one subscription per process, whatever the number of waiters.
//!
//! The first who waits for a record marks it (`listen.lua`), so the scripts publish the end of those
//! records only that somebody waits for. When the subscription is made, also after a loss, everybody is
//! woken, since what happened before was missed.

mod feed;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_redis::redis::Value;
use futures_util::StreamExt;
use idem_core::store::RecordId;
use idem_core::store::{Changed, Wakeups};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::keys;
use crate::store::Inner;
pub(crate) use feed::Feed;

/// Those who wait.
pub(crate) struct Push {
    feed: Feed,
    channel: String,
    waiting: Wakeups,
    subscribed: AtomicBool,
    subscriber: Mutex<Option<JoinHandle<()>>>,
}

impl Push {
    pub(crate) fn new(feed: Feed, channel: String) -> Arc<Self> {
        Arc::new(Self {
            feed,
            channel,
            waiting: Wakeups::default(),
            subscribed: AtomicBool::new(false),
            subscriber: Mutex::default(),
        })
    }

    /// Ends the subscription.
    pub(crate) fn close(&self) {
        if let Some(subscriber) = lock(&self.subscriber).take() {
            subscriber.abort();
        }
    }

    /// Begins the subscription on the first call, and again if the runtime that had it is gone.
    fn subscribe(self: &Arc<Self>, runtime: &Handle) {
        let mut subscriber = lock(&self.subscriber);
        if subscriber.as_ref().is_none_or(JoinHandle::is_finished) {
            self.subscribed.store(false, Ordering::SeqCst);
            *subscriber = Some(runtime.spawn(keep_subscribed(Arc::clone(self))));
        }
    }
}

/// What [`changed`](idem_core::store::IdempotencyStore::changed) does. All who wait for one record share one
/// mark, and hold no connection.
pub(crate) fn listen(inner: &Arc<Inner>, id: RecordId) -> Changed {
    let push = &inner.push;
    let Ok(runtime) = Handle::try_current() else { return Box::pin(std::future::pending()) };
    if matches!(push.feed, Feed::Nowhere) {
        return Box::pin(std::future::pending());
    }
    push.subscribe(&runtime);
    let (changed, is_first) = push.waiting.enter(id);
    // Whoever entered before the subscription stood is woken by it.
    if is_first && push.subscribed.load(Ordering::SeqCst) {
        runtime.spawn(mark(Arc::clone(inner), id));
    }
    changed
}

/// Asks for the end of a record to be published; one that has ended wakes at once. If this fails, those
/// who wait are left to their polling.
async fn mark(inner: Arc<Inner>, id: RecordId) {
    let Ok(live) = inner.links.live().await else { return };
    let running = inner.scripts.listen.run(&live, &inner.keys.of(id), 0, |_| ()).await;
    if let Ok(Value::Int(0)) = running {
        inner.push.waiting.wake(&id);
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

async fn keep_subscribed(push: Arc<Push>) {
    let mut pause = FIRST_PAUSE;
    loop {
        match push.feed.subscribe(&push.channel).await {
            Ok(subscription) => {
                pause = FIRST_PAUSE;
                push.subscribed.store(true, Ordering::SeqCst);
                push.waiting.wake_all();
                let mut messages = subscription.into_on_message();
                while let Some(message) = messages.next().await {
                    if let Some(id) = keys::published(message.get_payload_bytes()) {
                        push.waiting.wake(&id);
                    }
                }
                push.subscribed.store(false, Ordering::SeqCst);
                tracing::warn!(
                    "the subscription is lost; waiting duplicates poll until it is back"
                );
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "cannot subscribe; waiting duplicates poll until it works");
            }
        }
        sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
