//! Every future of the engine is dropped after each possible number of polls.

mod drain;
mod duplicate;
mod run;

use crate::support::Remote;

/// Calls `cut` with 0, 1, 2 … polls until it says that nothing was left to cut off, over a store that
/// answers at once and stores that do not. Returns the most polls that were needed.
async fn at_every_poll<F>(cut: impl Fn(Remote, usize) -> F) -> usize
where
    F: Future<Output = bool>,
{
    let mut most = 0;
    for store in Remote::at_all_distances() {
        let mut polls = 0;
        while !cut(store.emptied(), polls).await {
            polls += 1;
        }
        most = most.max(polls);
    }
    most
}
