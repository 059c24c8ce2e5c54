//! Where the fence of a plain claim comes from.
//!
//! A fence must be higher than that of every earlier owner of the key, whoever gave it, and come from the
//! server's clock alone (R30, I5). A script can ask the server for the time, but costs it three times a
//! plain `SET NX GET`, and most claims are on new keys. So:
//!
//! * Every claim by script hears the server's time. For [`HEARD`] afterwards, plain claims on the same
//!   connection use that time as their fence, though it is a little old.
//! * A key outlives the claim of its last owner by [`REMEMBERED`](crate::value::REMEMBERED), even if it
//!   is freed or its ttl is shorter. A plain claim wins only where there is no key, so every earlier
//!   fence is older than that, and lower than a time heard later.
//! * On a slow answer the command may have been carried out late. A plain claim that took longer than
//!   [`PATIENCE`] in all, or whose answer was lost, is judged by the script, which gives it a new fence
//!   if need be (T2).
//!
//! What is measured here is how much time passed on one monotonic clock; no two clocks are compared.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use idem_core::store::FencingToken;

/// How long a time that was heard is used.
pub(crate) const HEARD: Duration = Duration::from_secs(15);

/// How old it may be when the claim is known to be made. Half of what is remembered, for clocks that go
/// at different speeds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The server's time as one connection heard it last.
#[derive(Default)]
pub(crate) struct ServerTime(Mutex<Option<Heard>>);

/// A moment on the server's clock, and when it was asked for.
#[derive(Clone, Copy)]
pub(crate) struct Heard {
    pub(crate) token: FencingToken,
    asked_at: Instant,
}

impl Heard {
    /// Whether a claim that is known to be made now was made soon enough.
    pub(crate) fn vouches(&self) -> bool {
        self.asked_at.elapsed() < PATIENCE
    }
}

impl ServerTime {
    /// What was heard lately.
    pub(crate) fn heard(&self) -> Option<Heard> {
        let heard = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.filter(|heard| heard.asked_at.elapsed() < HEARD)
    }

    /// Takes in the time, in microseconds, of an answer that was asked for at `asked_at`.
    pub(crate) fn hear(&self, micros: u64, asked_at: Instant) {
        let heard = Heard { token: FencingToken(micros), asked_at };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard);
    }
}
