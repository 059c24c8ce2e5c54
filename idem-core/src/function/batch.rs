//! Many messages at once.

use std::future::Future;
use std::num::NonZeroUsize;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::{Disposition, Failure};

/// Handles messages, at most `concurrency` at a time, and says what is to become of each, in their order.
///
/// Each message is claimed on its own, so one that fails holds up none of the others. Two with the same
/// key in one batch do not run twice: the second is redelivered, unless the function has a `wait`.
///
/// ```
/// # use idem_core::{Idempotency, MemoryStore, idempotent};
/// # use idem_core::function::{Failure, Rejected};
/// # #[derive(Debug, thiserror::Error)] #[error(transparent)] struct OrderError(#[from] Rejected);
/// # impl Failure for OrderError { fn rejected(&self) -> Option<&Rejected> { Some(&self.0) } }
/// use std::num::NonZeroUsize;
/// use idem_core::function::{Disposition, batch};
///
/// #[idempotent(ttl = "7d", scope = "global", key = "order", guarantee = "at-least-once")]
/// async fn place(idempotency: &Idempotency, order: u64) -> Result<(), OrderError> {
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let idempotency = Idempotency::new(MemoryStore::new());
/// let at_once = NonZeroUsize::new(16).unwrap();
/// let dispositions = batch([1, 2, 1], at_once, |order| place(&idempotency, order)).await;
/// assert_eq!(dispositions, [Disposition::Acknowledge; 3]);
/// # }
/// ```
///
/// A broker that takes a message back after some time should grant more than a whole batch can take; or
/// settle each message inside `handle`, and ignore what is returned.
///
/// A panic of a guarded body fails its own message only. One outside of a body, such as in `handle` or in
/// an expression of the attribute, ends the whole batch and drops the calls under way.
///
/// Dropped, it drops the calls under way: see [the crate's documentation](crate#dropped-calls).
pub async fn batch<M, H, Fut, T, E>(
    messages: impl IntoIterator<Item = M>,
    concurrency: NonZeroUsize,
    mut handle: H,
) -> Vec<Disposition>
where
    H: FnMut(M) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: Failure,
{
    // No closure makes the futures: one over borrowed messages could not be spawned.
    let mut waiting = messages.into_iter().enumerate();
    let mut running = FuturesUnordered::new();
    let mut settled = Vec::new();
    loop {
        while running.len() < concurrency.get()
            && let Some((place, message)) = waiting.next()
        {
            let call = handle(message);
            running.push(async move { (place, Disposition::of(&call.await)) });
        }
        let Some(one) = running.next().await else { break };
        settled.push(one);
    }
    settled.sort_unstable_by_key(|(place, _)| *place);
    settled.into_iter().map(|(_, disposition)| disposition).collect()
}
