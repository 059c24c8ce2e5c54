//! How an [`Idempotency`] is put together.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::keeper::Keeper;
use super::wait::WaitingRoom;
use super::{Engine, Idempotency};
use crate::hash::Secret;
use crate::http;
use crate::store::IdempotencyStore;

/// What holds for all handlers of a service; what differs between handlers is in their annotations.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) namespace: Box<str>,
    pub(super) secret: Option<Secret>,
    pub(super) store_timeout: Duration,
    pub(super) max_response: usize,
    pub(super) retry_after: Duration,
    pub(super) problem_base: Box<str>,
    pub(super) quota: Option<NonZeroU32>,
    pub(super) header: Box<str>,
}

/// Builds an [`Idempotency`]; see [`Idempotency::builder`].
#[derive(Debug)]
#[must_use]
pub struct IdempotencyBuilder {
    store: Arc<dyn IdempotencyStore>,
    config: Config,
    waiters: usize,
    waiters_per_key: usize,
}

impl Idempotency {
    /// A handle over `store` with the defaults that [`builder`](Self::builder) lists.
    pub fn new(store: impl IdempotencyStore) -> Self {
        Self::builder(store).build()
    }

    /// Begins a handle over `store`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use idem_core::{Idempotency, MemoryStore};
    ///
    /// let idempotency = Idempotency::builder(MemoryStore::new())
    ///     .namespace("payments")
    ///     .store_timeout(Duration::from_secs(2))
    ///     .build();
    /// ```
    pub fn builder(store: impl IdempotencyStore) -> IdempotencyBuilder {
        IdempotencyBuilder {
            store: Arc::new(store),
            config: Config {
                namespace: "default".into(),
                secret: None,
                store_timeout: Duration::from_secs(5),
                max_response: 256 << 10,
                retry_after: crate::model::MIN_RETRY_AFTER,
                problem_base: "urn:idem:problem:".into(),
                quota: None,
                header: http::IDEMPOTENCY_KEY.into(),
            },
            waiters: 1024,
            waiters_per_key: 32,
        }
    }
}

impl IdempotencyBuilder {
    /// Separates services that share one store. Default `default`. Part of every record's identity, so a
    /// change makes all keys new.
    pub fn namespace(mut self, namespace: impl Into<Box<str>>) -> Self {
        self.config.namespace = namespace.into();
        self
    }

    /// Keys all digests with `secret`, so that somebody who reads the store cannot guess keys, scopes or
    /// bodies. Part of every record's identity, so a change makes all keys new.
    ///
    /// # Panics
    /// If `secret` is empty.
    pub fn secret(mut self, secret: impl AsRef<[u8]>) -> Self {
        assert!(!secret.as_ref().is_empty(), "an empty secret keeps nothing secret; leave it out");
        self.config.secret = Some(Secret::new(secret.as_ref()));
        self
    }

    /// How long a request waits for the store before it is refused with 503 (R34). Default 5 s. The call
    /// itself is not cut off: its late answer is still acted upon. The end of a transaction is waited for twice
    /// as long, in which the store may find out what became of a reply that was lost.
    pub const fn store_timeout(mut self, timeout: Duration) -> Self {
        self.config.store_timeout = timeout;
        self
    }

    /// The largest response body that is kept, in bytes (R37). Default 256 KiB.
    pub const fn max_response(mut self, bytes: usize) -> Self {
        self.config.max_response = bytes;
        self
    }

    /// What `Retry-After` says, in whole seconds and at least 1 (R17). Default 1 s.
    pub const fn retry_after(mut self, retry_after: Duration) -> Self {
        self.config.retry_after = retry_after;
        self
    }

    /// What is put before the slug to make a problem's `type`, an absolute URI such as
    /// `https://api.example.com/problems/`. Default `urn:idem:problem:`.
    ///
    /// # Panics
    /// If `base` has characters that no URI has: spaces, `<`, `>`, `"`, control characters or any beyond
    /// ASCII.
    pub fn problem_base(mut self, base: impl Into<Box<str>>) -> Self {
        let base = base.into();
        let in_uri = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"');
        assert!(base.bytes().all(in_uri), "the problem base {base:?} is not part of a URI");
        self.config.problem_base = base;
        self
    }

    /// How many live keys a scope may have (R41); more are refused with 429. Default: unbounded. A
    /// [`ScopeValue`](crate::ScopeValue) can name its own. The global scope has none.
    pub const fn keys_per_scope(mut self, max_keys: NonZeroU32) -> Self {
        self.config.quota = Some(max_keys);
        self
    }

    /// The request header that carries the key (R7). Default `idempotency-key`.
    ///
    /// # Panics
    /// If `name` is not the name of a header (RFC 9110 section 5.1): no request could ever carry it.
    pub fn header(mut self, name: impl Into<String>) -> Self {
        let name = name.into().to_ascii_lowercase();
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let is_name = !name.is_empty() && name.bytes().all(in_name);
        assert!(is_name, "{name:?} is not the name of a header");
        self.config.header = name.into();
        self
    }

    /// How many duplicates may wait at once, in this process and per key (RELIABILITY section 6); more
    /// are answered 409 at once. Default 1,024 and 32.
    pub const fn max_waiters(mut self, in_process: usize, per_key: usize) -> Self {
        self.waiters = in_process;
        self.waiters_per_key = per_key;
        self
    }

    /// The handle.
    pub fn build(self) -> Idempotency {
        Idempotency(Arc::new(Engine {
            keeper: Keeper::new(Arc::clone(&self.store)),
            store: self.store,
            config: self.config,
            runs: TaskTracker::new(),
            waiting: WaitingRoom::new(self.waiters, self.waiters_per_key),
            draining: AtomicBool::new(false),
        }))
    }
}
