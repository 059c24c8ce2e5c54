//! The resolution of a record by hand.

use std::time::Duration;

use idem_core::codec;
use idem_core::store::{AuditEntry, FencingToken, RecordId, Resolution, State, StoredResponse};

use super::audit;
use super::complete::tail;
use super::statements::Statements;
use super::values::{Query, interval};

/// A resolution of one record, with its entry in the audit log.
pub(crate) struct ResolveCall {
    pub(crate) id: RecordId,
    expected: FencingToken,
    /// The name of the resolution in SQL.
    name: &'static str,
    answer: Vec<u8>,
    retention: Duration,
    entry: AuditEntry,
}

impl ResolveCall {
    pub(crate) fn new(
        id: RecordId,
        expected: FencingToken,
        resolution: Resolution,
        entry: AuditEntry,
    ) -> Self {
        let answer = |response: StoredResponse| tail(&State::Completed(response));
        let (name, answer, retention) = match resolution {
            Resolution::Complete { response, ttl } => ("complete", answer(response), ttl),
            Resolution::Release => ("release", Vec::new(), Duration::ZERO),
            Resolution::Hold(hold) => ("hold", Vec::new(), hold),
            Resolution::Evict => ("evict", Vec::new(), Duration::ZERO),
        };
        Self { id, expected, name, answer, retention, entry }
    }

    pub(crate) fn query<'a>(&'a self, statements: &'a Statements) -> Query<'a> {
        let query = statements
            .resolve
            .query()
            .bind(self.id.as_bytes().as_slice())
            .bind(self.expected.0.cast_signed())
            .bind(self.name)
            .bind(i16::from(codec::VERSION))
            .bind(&self.answer)
            .bind(interval(self.retention));
        audit::bind(query, &self.entry)
    }
}
