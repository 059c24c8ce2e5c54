//! A server that the tests of a program share.

use std::any::Any;
use std::ops::Deref;
use std::panic::catch_unwind;
use std::sync::OnceLock;

/// A server in a `static`, which its first user starts.
///
/// If the start panics, every user panics with the message of that start. A `LazyLock` would report to later users only
/// that it is poisoned. There is no second start, because each one could take 30 s to fail.
pub struct Shared<T> {
    start: fn() -> T,
    started: OnceLock<Result<T, String>>,
}

impl<T> Shared<T> {
    /// Returns a server that `start` starts when it is first used.
    pub const fn new(start: fn() -> T) -> Self {
        Self { start, started: OnceLock::new() }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let start = || catch_unwind(self.start).map_err(|panic| message(&*panic));
        match self.started.get_or_init(start) {
            Ok(server) => server,
            Err(cause) => panic!("{cause}"),
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the start of the server panicked without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    static STARTS: AtomicU8 = AtomicU8::new(0);

    fn start() -> u8 {
        STARTS.fetch_add(1, Ordering::SeqCst) + 1
    }

    #[test]
    fn server_starts_once() {
        static SERVER: Shared<u8> = Shared::new(start);
        assert_eq!([*SERVER, *SERVER], [1, 1]);
        assert_eq!(STARTS.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn every_user_gets_the_cause_of_a_failed_start() {
        static FORMATTED: Shared<u8> = Shared::new(|| panic!("no port above {}", 55_000));
        static LITERAL: Shared<u8> = Shared::new(|| panic!("no program"));
        for _ in 0..2 {
            let panic = catch_unwind(|| *FORMATTED).unwrap_err();
            assert_eq!(message(&*panic), "no port above 55000");
            let panic = catch_unwind(|| *LITERAL).unwrap_err();
            assert_eq!(message(&*panic), "no program");
        }
    }
}
