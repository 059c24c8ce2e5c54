//! The audit log: changes by hand, views of stored responses, and late completions.

use super::filter::Cursor;
use crate::hash::PartDigest;
use crate::model::{FencingToken, RecordId, Timestamp};

/// An action that is written to the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditAction {
    /// An unknown outcome was replaced by a response.
    Complete,
    /// The key of an unknown outcome was freed.
    Release,
    /// An unknown outcome is kept for longer.
    Hold,
    /// A record was deleted.
    Evict,
    /// A stored response was shown to an operator. Nothing was changed.
    View,
    /// A run ended after it had lost its claim. Nothing was changed, and **two effects may exist**.
    Late,
}

impl AuditAction {
    const ALL: [Self; 6] =
        [Self::Complete, Self::Release, Self::Hold, Self::Evict, Self::View, Self::Late];

    /// The name in the audit log and in tools.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Release => "release",
            Self::Hold => "hold",
            Self::Evict => "evict",
            Self::View => "view",
            Self::Late => "late",
        }
    }

    /// Returns the action of a name in the audit log.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// An entry of the audit log. It never contains a response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// The record that was changed.
    pub record: RecordId,
    /// What was done.
    pub action: AuditAction,
    /// Who did it. For a late completion, the run, such as `run 1`.
    pub actor: Box<str>,
    /// Why it was done.
    pub reason: Box<str>,
    /// The fencing token before the change. For a late completion, that of the late run.
    pub token: FencingToken,
    /// The state before the change, as [`FoundState`](super::FoundState) displays it. For a late completion, the status
    /// that the late run reported.
    pub state: Box<str>,
    /// The SHA-256 digest of the body of the new response, or of the response of a late completion.
    pub response_digest: Option<[u8; 32]>,
}

impl AuditEntry {
    /// Creates an entry without a response.
    pub fn new(
        record: RecordId,
        action: AuditAction,
        actor: &str,
        reason: &str,
        token: FencingToken,
        state: &str,
    ) -> Self {
        Self {
            record,
            action,
            actor: actor.into(),
            reason: reason.into(),
            token,
            state: state.into(),
            response_digest: None,
        }
    }
}

/// The result of an audited action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditOutcome {
    /// The change was made.
    Done,
    /// Nothing was changed, because the record had changed meanwhile or its state does not permit the action.
    Rejected,
    /// The action was begun, and its end was not written. The change may have been made.
    Unfinished,
}

/// An entry of the audit log as the store returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// When it was written, on the store's clock.
    pub at: Timestamp,
    /// What was written.
    pub entry: AuditEntry,
    /// Whether the change was made.
    pub outcome: AuditOutcome,
    /// The [digest](Self::digest) of the entry before this one. `None` if the store does not chain its entries.
    pub previous: Option<[u8; 32]>,
}

impl AuditRecord {
    /// The link to the entry before the first entry.
    pub const NO_PREVIOUS: [u8; 32] = [0; 32];

    /// Returns the SHA-256 digest of the entry with its link, which the next entry contains. Each part is hashed with its
    /// length in 8 bytes before it: `idem.audit/1`, the time in microseconds, record, action, actor, reason, token, state,
    /// digest of the response or nothing, `1` if the change was made or else `0`, link. Numbers have 8 bytes.
    pub fn digest(&self) -> [u8; 32] {
        let entry = &self.entry;
        let mut digest = PartDigest::new(None);
        for part in [
            &b"idem.audit/1"[..],
            &self.at.0.to_be_bytes(),
            entry.record.as_bytes(),
            entry.action.name().as_bytes(),
            entry.actor.as_bytes(),
            entry.reason.as_bytes(),
            &entry.token.0.to_be_bytes(),
            entry.state.as_bytes(),
            entry.response_digest.as_ref().map_or(&[][..], |digest| &digest[..]),
            if self.outcome == AuditOutcome::Done { &b"1"[..] } else { &b"0"[..] },
            &self.previous.unwrap_or(Self::NO_PREVIOUS),
        ] {
            digest.part(part);
        }
        digest.finish()
    }
}

/// Selects entries of the audit log.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AuditFilter {
    /// Only the entries of this record.
    pub record: Option<RecordId>,
    /// Only entries from this time on.
    pub since: Option<Timestamp>,
}

impl AuditFilter {
    /// Selects the entries of one record.
    pub const fn of_record(record: RecordId) -> Self {
        Self { record: Some(record), since: None }
    }

    /// Whether an entry is selected.
    pub fn matches(&self, record: &AuditRecord) -> bool {
        self.record.is_none_or(|id| id == record.entry.record)
            && self.since.is_none_or(|since| since <= record.at)
    }
}

/// Some entries of the audit log.
#[derive(Clone, Debug, Default)]
pub struct AuditPage {
    /// The entries, oldest first.
    pub records: Vec<AuditRecord>,
    /// Where the next page begins. `None` after the last page.
    pub next: Option<Cursor>,
}
