//! The ledger: the handler entries and effects that actually happened.

use std::fmt;
use std::io;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;

/// Counts handler entries and effects, and keeps the versions of payments.
pub trait Ledger: fmt::Debug + Send + Sync + 'static {
    /// Counts a handler entry.
    ///
    /// # Errors
    /// If the ledger is down.
    fn enter<'a>(&'a self, note: &'a str) -> BoxFuture<'a, io::Result<Entry>>;

    /// Performs an effect. A `charge` can be found by its downstream key from then on.
    ///
    /// # Errors
    /// If the ledger is down.
    fn effect<'a>(
        &'a self,
        note: &'a str,
        entry: &'a Entry,
        charge: Option<&'a Charge>,
    ) -> BoxFuture<'a, io::Result<()>>;

    /// Returns the payment that was charged first under a note and a downstream key, as a provider does.
    ///
    /// # Errors
    /// If the ledger is down.
    fn find<'a>(&'a self, note: &'a str, key: &'a str) -> BoxFuture<'a, io::Result<Option<Value>>>;

    /// Counts an entry into the `recover` hook.
    ///
    /// # Errors
    /// If the ledger is down.
    fn hook<'a>(&'a self, note: &'a str) -> BoxFuture<'a, io::Result<()>>;

    /// Records the regular end of a handler.
    ///
    /// # Errors
    /// If the end cannot be recorded.
    fn finished(&self, note: &str, entry: &Entry) -> io::Result<()>;

    /// Records that a handler ended before its effect, in a way that frees its key.
    ///
    /// # Errors
    /// If the end cannot be recorded.
    fn withdrawn(&self, note: &str, entry: &Entry) -> io::Result<()>;

    /// Returns the version of a payment, counted from 1.
    ///
    /// # Errors
    /// If the ledger is down.
    fn version<'a>(&'a self, payment: &'a str) -> BoxFuture<'a, io::Result<u64>>;

    /// Creates a new version of a payment.
    ///
    /// # Errors
    /// If the ledger is down.
    fn revise<'a>(&'a self, payment: &'a str) -> BoxFuture<'a, io::Result<u64>>;

    /// Creates a new version of a payment if its version is `version`. Returns `None` otherwise.
    ///
    /// # Errors
    /// If the ledger is down.
    fn revise_if<'a>(
        &'a self,
        payment: &'a str,
        version: u64,
    ) -> BoxFuture<'a, io::Result<Option<u64>>>;
}

/// Performs the effects of handlers.
pub trait PerformEffect: Send {
    /// Performs the effect of one handler entry.
    ///
    /// # Errors
    /// If the effect cannot be performed.
    fn perform<'a>(
        &'a mut self,
        note: &'a str,
        entry: &'a Entry,
        charge: Option<&'a Charge>,
    ) -> BoxFuture<'a, io::Result<()>>;
}

impl PerformEffect for Arc<dyn Ledger> {
    fn perform<'a>(
        &'a mut self,
        note: &'a str,
        entry: &'a Entry,
        charge: Option<&'a Charge>,
    ) -> BoxFuture<'a, io::Result<()>> {
        self.effect(note, entry, charge)
    }
}

/// An effect under a downstream key.
#[derive(Clone, Debug)]
pub struct Charge {
    /// The downstream key.
    pub key: String,
    /// The payment, as the provider shows it.
    pub payment: Value,
}

/// A handler entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name of the run.
    pub run: String,
    /// The number of the entry within its note, counted from 1.
    pub number: u64,
    /// A sequence number that differs for every entry.
    pub seq: u64,
}

impl Entry {
    /// Returns the name of a new run.
    pub fn new_run() -> String {
        format!("{:032x}", rand::random::<u128>())
    }
}

/// The counts of one note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// The number of handler entries.
    pub attempts: u64,
    /// The number of effects.
    pub effects: u64,
    /// The number of entries into the `recover` hook.
    pub hooks: u64,
}
