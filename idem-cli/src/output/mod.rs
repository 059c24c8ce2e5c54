//! What the commands print: text for people, or JSON with stable names for scripts.

mod json;
mod text;

use std::time::Duration;

use idem_core::http::Differences;
use idem_core::records::{AuditCheck, AuditRecord, FoundRecord, FoundState, RecordHandle};
use idem_core::store::{AuditOutcome, RecordId, StoredResponse};

use crate::commands::Stats;

pub(crate) use text::{duration, time};

/// The 64 digits of an id.
pub(crate) fn id(id: RecordId) -> String {
    hex::encode(id.as_bytes())
}

/// The name of a state in tables and in JSON.
pub(crate) const fn state_name(state: FoundState) -> &'static str {
    match state {
        FoundState::Running => "running",
        FoundState::Completed { .. } => "completed",
        FoundState::NotRetained { .. } => "not-retained",
        FoundState::Unknown(_) => "unknown",
    }
}

const fn outcome_name(outcome: AuditOutcome) -> &'static str {
    match outcome {
        AuditOutcome::Done => "done",
        AuditOutcome::Rejected => "rejected",
        AuditOutcome::Unfinished => "unfinished",
        _ => "other",
    }
}

/// What is shown of a record beside itself.
#[derive(Default)]
pub(crate) struct Details<'a> {
    /// The labels of the downstream calls whose keys are shown.
    pub(crate) downstream: &'a [String],
    pub(crate) response: Option<&'a StoredResponse>,
    /// The late completions.
    pub(crate) late: &'a [AuditRecord],
}

/// Prints one record with all that is known of it.
pub(crate) fn record(record: &RecordHandle, details: &Details<'_>, json: bool) {
    if json {
        json::print(&json::Record::new(record, details));
        return;
    }
    details.late.iter().for_each(text::late);
    text::record(record, details.downstream);
    if let Some(response) = details.response {
        text::response(response);
    }
}

/// Prints that a record was changed.
pub(crate) fn changed(record: RecordId, done: &'static str, json: bool) {
    if json {
        json::print(&json::Changed::new(record, done));
    } else {
        println!("{done} {}", id(record));
    }
}

/// A list of records. JSON is printed immediately, and text when the widths of its columns are known.
pub(crate) enum Table {
    Json,
    Text(text::Rows),
}

impl Table {
    pub(crate) fn new(json: bool) -> Self {
        if json { Self::Json } else { Self::Text(text::Rows::default()) }
    }

    pub(crate) fn push(&mut self, record: &RecordHandle) {
        match self {
            Self::Json => json::print(&json::Record::new(record, &Details::default())),
            Self::Text(rows) => rows.push(record),
        }
    }

    pub(crate) fn print(self) {
        if let Self::Text(rows) = self {
            rows.print();
        }
    }
}

/// Prints an entry of the audit log.
pub(crate) fn audit(entry: &AuditRecord, json: bool) {
    if json {
        json::print(&json::Audit::new(entry));
    } else {
        text::audit(entry);
    }
}

/// Prints the result of a check of the audit log, and the digest of its newest entry.
pub(crate) fn audit_check(check: &AuditCheck, newest: Option<[u8; 32]>, json: bool) {
    match check {
        check if json => json::print(&json::AuditCheckView::new(check, newest)),
        AuditCheck::Intact { entries } => {
            println!("{entries} entries, and each matches the one before it");
            if let Some(digest) = newest {
                println!("digest of the newest entry: {}", hex::encode(digest));
            }
        }
        AuditCheck::Broken { entries, record } => {
            println!("{entries} entries fit, and this one does not:");
            text::audit(record);
        }
        AuditCheck::NotChained => {}
    }
}

/// Prints the parts in which two requests differ.
pub(crate) fn differences(differences: &Differences, json: bool) {
    if json {
        json::print(&json::DifferencesView::new(differences));
        return;
    }
    let Differences { parts, only_in_first, .. } = differences;
    if parts.is_empty() && *only_in_first == 0 {
        println!("no difference");
    }
    if !parts.is_empty() {
        println!("differs     {}", parts.join(", "));
    }
    if *only_in_first > 0 {
        println!("missing     {only_in_first} of the members that the first request has");
    }
}

/// Prints how many entries of the audit log were deleted.
pub(crate) fn pruned(entries: u64, json: bool) {
    if json {
        json::print(&json::Pruned::new(entries));
    } else {
        println!("{entries} entries deleted");
    }
}

/// Prints the numbers of records.
pub(crate) fn stats(stats: &Stats, sweep_lag: Option<Duration>, json: bool) {
    if json {
        json::print(&json::StatsView::new(stats, sweep_lag));
    } else {
        text::stats(stats, sweep_lag);
    }
}

/// Prints the health issues of a store.
pub(crate) fn doctor(issues: &[String], json: bool) {
    if json {
        json::print(&json::Doctor::new(issues));
    } else if issues.is_empty() {
        println!("the store is healthy");
    } else {
        issues.iter().for_each(|issue| println!("- {issue}"));
    }
}

/// The reason of an unknown outcome in words.
fn reason(record: &FoundRecord) -> Option<&'static str> {
    match record.state {
        FoundState::Unknown(reason) => Some(reason.name()),
        _ => None,
    }
}
