//! New keys of a scope with a quota take turns in the server. They wait for theirs here, before they take a
//! connection, so that one scope cannot hold them all.

use idem_core::ScopeId;
use tokio::sync::{Mutex, MutexGuard};

const TURNS: usize = 64;

/// The turns of all scopes, some of which share one.
pub(crate) struct Turns([Mutex<()>; TURNS]);

impl Turns {
    /// Waits until no other claim of this process is under way in the scope.
    pub(crate) async fn of(&self, scope: ScopeId) -> MutexGuard<'_, ()> {
        let [first, ..] = *scope.as_bytes();
        self.0[usize::from(first) % TURNS].lock().await
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}
