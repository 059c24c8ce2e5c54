//! The ledger in memory.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Counts;

#[derive(Debug, Default)]
pub struct Memory(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    attempts: HashMap<String, HashSet<String>>,
    effects: HashMap<String, HashSet<String>>,
    changes: HashMap<String, u64>,
    seq: u64,
}

impl Memory {
    pub(super) fn enter(&self, note: &str, run: &str) -> (u64, u64) {
        let mut books = self.books();
        books.seq += 1;
        let seq = books.seq;
        let attempts = books.attempts.entry(note.to_owned()).or_default();
        attempts.insert(run.to_owned());
        (attempts.len() as u64, seq)
    }

    pub(super) fn effect(&self, note: &str, run: &str) {
        self.books().effects.entry(note.to_owned()).or_default().insert(run.to_owned());
    }

    pub(super) fn counts(&self, note: &str) -> Counts {
        let books = self.books();
        let count = |runs: &HashMap<String, HashSet<String>>| {
            runs.get(note).map_or(0, |runs| runs.len() as u64)
        };
        Counts { attempts: count(&books.attempts), effects: count(&books.effects) }
    }

    pub(super) fn changes(&self, payment: &str) -> u64 {
        self.books().changes.get(payment).copied().unwrap_or(0)
    }

    pub(super) fn change(&self, payment: &str) -> u64 {
        let mut books = self.books();
        let changes = books.changes.entry(payment.to_owned()).or_default();
        *changes += 1;
        *changes
    }

    pub(super) fn change_if(&self, payment: &str, expected: u64) -> Option<u64> {
        let mut books = self.books();
        let changes = books.changes.entry(payment.to_owned()).or_default();
        if *changes != expected {
            return None;
        }
        *changes += 1;
        Some(*changes)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
