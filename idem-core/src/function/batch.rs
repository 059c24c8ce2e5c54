//! Concurrent processing of several messages.

use std::future::Future;
use std::num::NonZeroUsize;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::{Disposition, Failure};

/// Handles messages with at most `concurrency` calls at a time. Returns one disposition per message, in the order of the
/// messages.
///
/// Each message has its own claim, so a message that fails does not delay the others. Two messages with the same key in
/// one batch do not run twice: the second is redelivered, unless the function has a `wait`.
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
/// let concurrency = NonZeroUsize::new(16).unwrap();
/// let dispositions = batch([1, 2, 1], concurrency, |order| place(&idempotency, order)).await;
/// assert_eq!(dispositions, [Disposition::Acknowledge; 3]);
/// # }
/// ```
///
/// The acknowledgement timeout of the broker must be longer than a whole batch can take. Otherwise, settle each message
/// inside `handle` and ignore the returned dispositions.
///
/// Not cancel safe: a dropped batch drops its active calls, and their records are treated as after a crash. See
/// [dropped calls](super#dropped-calls).
///
/// # Panics
/// A panic in the body of a guarded function affects only its own message. A panic outside of a body, such as in `handle`
/// or in an expression of the attribute, ends the batch and drops its active calls.
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
    // The futures are not created in a closure: with borrowed messages, the batch could then not be spawned.
    let mut waiting = messages.into_iter().enumerate();
    let mut running = FuturesUnordered::new();
    let mut settled = Vec::new();
    loop {
        while running.len() < concurrency.get()
            && let Some((index, message)) = waiting.next()
        {
            let call = handle(message);
            running.push(async move { (index, Disposition::of(&call.await)) });
        }
        let Some(disposition) = running.next().await else { break };
        settled.push(disposition);
    }
    settled.sort_unstable_by_key(|(index, _)| *index);
    settled.into_iter().map(|(_, disposition)| disposition).collect()
}
