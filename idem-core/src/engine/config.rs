//! The settings of an [`Idempotency`], and its builder.

mod http_settings;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::health::HealthCache;
use super::lease::LeaseManager;
use super::run_limit::{RunLimiter, RunLimits};
use super::wait::{WaitLimiter, WaitLimits};
use super::{Engine, Idempotency};
use crate::hash::Secret;
use crate::http::refusal::Format;
use crate::http::{self, ResponseRules};
use crate::observe::{ObservedStore, Observer, Observers};
use crate::store::IdempotencyStore;

/// The settings of all handlers of a service. The settings of one handler are in its attribute.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) namespace: Box<str>,
    pub(super) secret: Option<Secret>,
    pub(super) store_timeout: Duration,
    pub(super) responses: ResponseRules,
    pub(super) retry_after: Duration,
    pub(super) recheck: Duration,
    pub(super) problem_base: Box<str>,
    pub(super) quota: Option<NonZeroU32>,
    pub(super) header: Box<str>,
    /// Further names of the key header.
    pub(super) header_aliases: Box<[Box<str>]>,
    pub(super) min_key_len: usize,
    pub(super) echoes_key: bool,
    pub(super) keeps_outlines: bool,
    pub(super) format: Format,
}

/// Builds an [`Idempotency`]. Made by [`Idempotency::builder`].
#[derive(Debug)]
#[must_use]
pub struct IdempotencyBuilder {
    store: Arc<dyn IdempotencyStore>,
    config: Config,
    wait_limits: WaitLimits,
    run_limits: RunLimits,
    observers: Observers,
}

impl Idempotency {
    /// Makes a handle for `store` with the default settings of [`IdempotencyBuilder`].
    pub fn new(store: impl IdempotencyStore) -> Self {
        Self::builder(store).build()
    }

    /// Begins to build a handle for `store`.
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
                responses: ResponseRules::new(256 << 10),
                retry_after: crate::model::MIN_RETRY_AFTER,
                recheck: Duration::from_secs(5),
                problem_base: "urn:idem:problem:".into(),
                quota: None,
                header: http::IDEMPOTENCY_KEY.into(),
                header_aliases: Box::default(),
                min_key_len: 1,
                echoes_key: false,
                keeps_outlines: false,
                format: Format::default(),
            },
            wait_limits: WaitLimits { total: 1024, per_scope: 256, per_key: 32 },
            run_limits: RunLimits { total: None, per_scope: None },
            observers: Observers::default(),
        }
    }
}

impl IdempotencyBuilder {
    /// Sets the namespace, which separates services that share one store. The default is `default`.
    ///
    /// The namespace is part of every [record's identity](crate::rules::guarantees#record-identity), so a
    /// change makes all keys new.
    pub fn namespace(mut self, namespace: impl Into<Box<str>>) -> Self {
        self.config.namespace = namespace.into();
        self
    }

    /// Sets the secret for all digests, which become HMACs. Without it, a reader of the store can guess keys,
    /// scopes and short bodies. The default is no secret.
    ///
    /// The secret is part of every [record's identity](crate::rules::guarantees#record-identity), so a change
    /// makes all keys new.
    ///
    /// # Panics
    /// If `secret` is empty.
    pub fn secret(mut self, secret: impl AsRef<[u8]>) -> Self {
        assert!(
            !secret.as_ref().is_empty(),
            "the secret is empty: set at least one byte, or do not call `secret`"
        );
        self.config.secret = Some(Secret::new(secret.as_ref()));
        self
    }

    /// Sets how long a request waits for the store before it is refused with 503
    /// ([store failure before the run](crate::rules::semantics#store-failure-before-the-run)). The default is
    /// 5 s.
    ///
    /// The store call continues in the background, and its late reply is still handled. The end of a
    /// transaction is awaited for twice this time, because the store may have to look up whether it was
    /// committed.
    pub const fn store_timeout(mut self, timeout: Duration) -> Self {
        self.config.store_timeout = timeout;
        self
    }

    /// Sets the size of the largest response body that is stored, in bytes. The default is 256 KiB. A larger
    /// response is sent, but [not retained](crate::rules::guarantees#response-not-retained).
    pub const fn max_response(mut self, bytes: usize) -> Self {
        self.config.responses.max_response = bytes;
        self
    }

    /// Sets the delay in the [`Retry-After`](crate::rules::semantics#retry-after) header of refusals. It is
    /// sent in whole seconds, at least 1. The default is 1 s.
    pub const fn retry_after(mut self, retry_after: Duration) -> Self {
        self.config.retry_after = retry_after;
        self
    }

    /// Sets the time after which a `recover` hook that could not determine an outcome runs again. Until then, requests are
    /// refused with 409, and `Retry-After` is the rest of this time. The default is 5 s. See
    /// [recovery](crate::rules::semantics#recovery).
    pub const fn recheck(mut self, recheck: Duration) -> Self {
        self.config.recheck = recheck;
        self
    }

    /// Sets the maximum number of live keys of a scope. Further keys are refused with 429
    /// ([key quotas](crate::rules::semantics#key-quotas)). The default is no limit.
    ///
    /// A [`ScopeValue`](crate::ScopeValue) can return a limit that replaces this one. The global scope has no
    /// limit.
    pub const fn keys_per_scope(mut self, max_keys: NonZeroU32) -> Self {
        self.config.quota = Some(max_keys);
        self
    }

    /// Sets the maximum number of duplicates that wait concurrently, in this process and per key. Further
    /// duplicates are refused with 409 immediately
    /// ([waiting duplicates](crate::rules::semantics#waiting-duplicates)). The defaults are 1,024 and 32.
    pub const fn max_waiters(mut self, in_process: usize, per_key: usize) -> Self {
        self.wait_limits.total = in_process;
        self.wait_limits.per_key = per_key;
        self
    }

    /// Sets the maximum number of duplicates of one scope that wait concurrently in this process. Further
    /// duplicates are refused with 409 immediately
    /// ([waiting duplicates](crate::rules::semantics#waiting-duplicates)). The default is 256.
    ///
    /// The global scope counts as one scope. Choose a number well below that of the process, so that one tenant
    /// cannot take the places of all others.
    pub const fn max_waiters_per_scope(mut self, waiters: usize) -> Self {
        self.wait_limits.per_scope = waiters;
        self
    }

    /// Sets the maximum number of concurrent runs in this process, including runs whose clients have disconnected.
    /// A request that would start another one is refused with 503
    /// ([concurrent runs](crate::rules::semantics#concurrent-runs)). Other requests still get stored responses. The
    /// default is no limit.
    ///
    /// A limit in a layer around the handler, such as tower's `ConcurrencyLimitLayer`, does not bound the runs: it holds
    /// only as long as the request, and a run outlives its request.
    ///
    /// # Panics
    /// If `runs` is 0.
    pub const fn max_runs(mut self, runs: usize) -> Self {
        assert!(runs > 0, "max_runs is 0, so no handler could run: set at least 1");
        self.run_limits.total = Some(runs);
        self
    }

    /// Sets the maximum number of concurrent runs of one scope in this process, beside
    /// [`max_runs`](Self::max_runs). A request of the scope that would start another one is refused in the same way
    /// ([concurrent runs](crate::rules::semantics#concurrent-runs)). The default is no limit.
    ///
    /// The global scope counts as one scope. Choose a number well below `max_runs`, so that one tenant cannot take the
    /// places of all others.
    ///
    /// # Panics
    /// If `runs` is 0.
    pub const fn max_runs_per_scope(mut self, runs: usize) -> Self {
        assert!(runs > 0, "max_runs_per_scope is 0, so no handler could run: set at least 1");
        self.run_limits.per_scope = Some(runs);
        self
    }

    /// Adds an observer, which gets an event for each call and for each reply of the store; see
    /// [`observe`](crate::observe). By default there is no observer.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(observer);
        self
    }

    /// Builds the handle.
    pub fn build(self) -> Idempotency {
        let watch = self.observers.watch();
        let store = match watch.is_observed() {
            true => Arc::new(ObservedStore::new(self.store, watch.clone())),
            false => self.store,
        };
        Idempotency(Arc::new(Engine {
            leases: LeaseManager::new(Arc::clone(&store)),
            store,
            config: self.config,
            runs: TaskTracker::new(),
            abandonments: TaskTracker::new(),
            waiters: WaitLimiter::new(self.wait_limits),
            run_limiter: RunLimiter::new(self.run_limits),
            draining: AtomicBool::new(false),
            watch,
            warnings: Arc::default(),
            health: HealthCache::default(),
            transactions: TaskTracker::new(),
        }))
    }
}
