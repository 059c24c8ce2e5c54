//! A run without a record, for unit tests of code that needs one.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::deadline::after;
use super::execution::{Execution, Unleased};
use crate::hash::PartDigest;
use crate::model::{Claim, ClaimNonce, Extras, FencingToken, RecordId};

/// The time for which `confirm` succeeds.
const DURATION: Duration = Duration::from_secs(15 * 60);

impl Execution {
    /// Returns a run for unit tests of code that needs one. It is attempt 1 of `key`, and belongs to no record of a store:
    /// equal keys have equal [downstream keys](Self::downstream_key), and [`confirm`](Self::confirm) succeeds for 15 min.
    ///
    /// ```
    /// use idem_core::Execution;
    ///
    /// async fn charge() -> String {
    ///     Execution::current().downstream_key("charge").as_str().to_owned()
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let first = Execution::for_test("order-1001").scope(charge()).await;
    /// let second = Execution::for_test("order-1001").scope(charge()).await;
    /// assert_eq!(first, second);
    /// # }
    /// ```
    pub fn for_test(key: &str) -> Self {
        let mut digest = PartDigest::new(None);
        digest.part(b"test");
        digest.part(key.as_bytes());
        let id = RecordId::from_bytes(digest.finish());
        let nonce = ClaimNonce::from_bytes([0; 16]);
        let claim = Claim { id, nonce, token: FencingToken(1), attempt: 1 };
        let until = after(Instant::now(), DURATION);
        let (extras, warnings) = (Extras::default(), Arc::default());
        Self::unleased(Unleased { claim, until, releases: &[], extras, warnings })
    }

    /// Polls `future` as a part of this run, so that [`current`](Self::current) returns it there.
    ///
    /// The run ends when its handler returns, whether `future` has ended or not.
    ///
    /// Cancel safe if `future` is.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        let mut context = self.into_context();
        async move {
            let mut future = pin!(future);
            poll_fn(|cx| context.enter(|| future.as_mut().poll(cx))).await
        }
    }
}
