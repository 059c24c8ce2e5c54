//! Drops every future of the engine after each possible number of polls.

mod drain;
mod duplicate;
mod run;

use crate::support::DelayedStore;

/// Calls `test` with 0, 1, 2 … polls until it returns that the future was ready before it was dropped.
/// Repeats this for stores with all delays. Returns the largest number of polls.
async fn after_each_poll<F>(test: impl Fn(DelayedStore, usize) -> F) -> usize
where
    F: Future<Output = bool>,
{
    let mut most = 0;
    for store in DelayedStore::with_all_delays() {
        let mut polls = 0;
        while !test(store.without_records(), polls).await {
            polls += 1;
        }
        most = most.max(polls);
    }
    most
}
