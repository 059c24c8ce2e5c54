//! The ledger in memory.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde_json::Value;

use super::{Charge, Counts, Entry, Ledger};

/// A ledger in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    attempts: HashMap<String, HashSet<String>>,
    effects: HashMap<String, HashSet<String>>,
    /// The first payment under each note and downstream key.
    charges: HashMap<(String, String), Value>,
    hooks: HashMap<String, u64>,
    changes: HashMap<String, u64>,
    seq: u64,
}

impl MemoryLedger {
    /// Returns the counts of a note.
    pub fn counts(&self, note: &str) -> Counts {
        let books = self.books();
        let count = |runs: &HashMap<String, HashSet<String>>| {
            runs.get(note).map_or(0, |runs| runs.len() as u64)
        };
        let hooks = books.hooks.get(note).copied().unwrap_or(0);
        Counts { attempts: count(&books.attempts), effects: count(&books.effects), hooks }
    }

    /// Counts a handler entry of the run with this name.
    pub fn enter_run(&self, note: &str, run: &str) -> Entry {
        let mut books = self.books();
        books.seq += 1;
        let seq = books.seq;
        let attempts = books.attempts.entry(note.to_owned()).or_default();
        attempts.insert(run.to_owned());
        Entry { run: run.to_owned(), number: attempts.len() as u64, seq }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for MemoryLedger {
    fn enter<'a>(&'a self, note: &'a str) -> BoxFuture<'a, io::Result<Entry>> {
        done(self.enter_run(note, &Entry::new_run()))
    }

    fn effect<'a>(
        &'a self,
        note: &'a str,
        entry: &'a Entry,
        charge: Option<&'a Charge>,
    ) -> BoxFuture<'a, io::Result<()>> {
        let mut books = self.books();
        books.effects.entry(note.to_owned()).or_default().insert(entry.run.clone());
        if let Some(Charge { key, payment }) = charge {
            let first = books.charges.entry((note.to_owned(), key.clone()));
            first.or_insert_with(|| payment.clone());
        }
        done(())
    }

    fn find<'a>(&'a self, note: &'a str, key: &'a str) -> BoxFuture<'a, io::Result<Option<Value>>> {
        done(self.books().charges.get(&(note.to_owned(), key.to_owned())).cloned())
    }

    fn hook<'a>(&'a self, note: &'a str) -> BoxFuture<'a, io::Result<()>> {
        *self.books().hooks.entry(note.to_owned()).or_default() += 1;
        done(())
    }

    fn finished(&self, _: &str, _: &Entry) -> io::Result<()> {
        Ok(())
    }

    fn withdrawn(&self, _: &str, _: &Entry) -> io::Result<()> {
        Ok(())
    }

    fn version<'a>(&'a self, payment: &'a str) -> BoxFuture<'a, io::Result<u64>> {
        done(self.books().changes.get(payment).copied().unwrap_or(0) + 1)
    }

    fn revise<'a>(&'a self, payment: &'a str) -> BoxFuture<'a, io::Result<u64>> {
        let mut books = self.books();
        let changes = books.changes.entry(payment.to_owned()).or_default();
        *changes += 1;
        done(*changes + 1)
    }

    fn revise_if<'a>(
        &'a self,
        payment: &'a str,
        version: u64,
    ) -> BoxFuture<'a, io::Result<Option<u64>>> {
        let mut books = self.books();
        let changes = books.changes.entry(payment.to_owned()).or_default();
        if *changes + 1 != version {
            return done(None);
        }
        *changes += 1;
        done(Some(*changes + 1))
    }
}

fn done<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, io::Result<T>> {
    ready(Ok(value)).boxed()
}
