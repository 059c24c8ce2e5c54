//! Records, times and responses as the pages show them.

use std::time::Duration;

use idem_core::UnknownReason;
use idem_core::records::{AuditRecord, FoundRecord, FoundState};
use idem_core::store::{AuditAction, AuditOutcome, RecordId, StoredResponse, Timestamp};

/// The digits of a record id in a table.
const SHORT: usize = 8;

pub(crate) fn id(id: RecordId) -> String {
    hex::encode(id.as_bytes())
}

/// The first digits of an id, as log lines contain them.
pub(crate) fn short(record: &FoundRecord) -> String {
    id(record.id)[..SHORT].to_owned()
}

/// A time in UTC to the second.
pub(crate) fn time(time: Timestamp) -> String {
    let seconds = i64::try_from(time.0 / 1_000_000).ok();
    let time = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.unwrap_or(jiff::Timestamp::MAX).strftime("%F %T UTC").to_string()
}

/// A duration in its two largest units, such as `4m 10s`.
pub(crate) fn duration(duration: Duration) -> String {
    let text = humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// A state as a word, with the class of its colour.
#[derive(Clone, Copy)]
pub(crate) struct Badge {
    pub(crate) class: &'static str,
    pub(crate) word: &'static str,
}

pub(crate) fn badge(state: FoundState) -> Badge {
    let (class, word) = match state {
        FoundState::Running => ("running", "running"),
        FoundState::Completed { .. } => ("completed", "completed"),
        FoundState::NotRetained { .. } => ("completed", "completed, response not retained"),
        FoundState::Unknown(UnknownReason::Disputed) => ("disputed", "disputed"),
        FoundState::Unknown(_) => ("unknown", "outcome unknown"),
    };
    Badge { class, word }
}

/// The state in one sentence.
pub(crate) fn state(record: &FoundRecord) -> String {
    let (age, until) = (duration(record.age()), time(record.expires_at));
    match record.state {
        FoundState::Running => {
            format!("Running for {age}, under a lease until {}.", time(record.lease_until))
        }
        FoundState::Completed { status } => {
            format!("Completed with {status}. Retries get this response until {until}.")
        }
        FoundState::NotRetained { status } => {
            format!("Completed with {status}. The response was not retained. Kept until {until}.")
        }
        FoundState::Unknown(reason) => {
            format!("The outcome has been unknown for {age}: {reason}. Kept until {until}.")
        }
    }
}

/// What the operator can do, and what to say to a customer.
pub(crate) const fn advice(record: &FoundRecord) -> &'static str {
    match record.state {
        FoundState::Running => "It is in progress. Wait for the run to end.",
        FoundState::Completed { status } if status < 400 => {
            "It went through. A retry with the same key gets the stored response."
        }
        FoundState::Completed { .. } => {
            "It was declined or failed. A retry with the same key gets the stored response."
        }
        FoundState::NotRetained { .. } => {
            "The run ended, and a retry is refused, because its response was not stored."
        }
        FoundState::Unknown(UnknownReason::Disputed) => {
            "The provider and the request contradict each other. Compare them before you decide."
        }
        FoundState::Unknown(_) if record.recoverable => {
            "The next request asks the provider by itself. Without one, ask the provider and decide below."
        }
        FoundState::Unknown(UnknownReason::Crashed) => {
            "It is not known whether it went through. Make sure that the process of the run has ended, since a stopped one \
             counts as crashed too. Then ask the provider, and decide below."
        }
        FoundState::Unknown(_) => {
            "It is not known whether it went through. Ask the provider, and decide below."
        }
    }
}

/// One line of the timeline.
pub(crate) struct Moment {
    at: Timestamp,
    pub(crate) time: String,
    pub(crate) title: String,
    pub(crate) text: String,
}

impl Moment {
    fn new(at: Timestamp, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { at, time: time(at), title: title.into(), text: text.into() }
    }
}

/// What happened to a record, oldest first.
pub(crate) fn timeline(record: &FoundRecord, audit: &[AuditRecord]) -> Vec<Moment> {
    let mut moments: Vec<_> = audit.iter().map(audited).collect();
    let is_change = |entry: &AuditRecord| {
        entry.outcome == AuditOutcome::Done
            && !matches!(entry.entry.action, AuditAction::View | AuditAction::Late)
    };
    // A change by hand sets another token, which is not the time of the claim.
    if !audit.iter().any(is_change) {
        let claimed = Timestamp(record.token.0);
        moments.push(Moment::new(claimed, format!("Run {} started", record.attempt), ""));
    }
    if let Some(silence) = record.extras.silence() {
        let title = format!("Run {} was lost: {}", silence.attempt, silence.reason);
        moments.push(Moment::new(silence.since, title, record.extras.dispute()));
    } else if matches!(record.state, FoundState::Unknown(_)) {
        let title = format!("The lease of run {} ended", record.attempt);
        moments.push(Moment::new(record.lease_until, title, ""));
    }
    moments.push(Moment::new(
        record.expires_at,
        "The record expires",
        "The key is free from then on.",
    ));
    moments.sort_by_key(|moment| moment.at);
    moments
}

pub(crate) fn audited(AuditRecord { at, entry, outcome, .. }: &AuditRecord) -> Moment {
    let (actor, reason) = (&entry.actor, &entry.reason);
    let title = match entry.action {
        AuditAction::Complete => format!("{actor} stored a response"),
        AuditAction::Release => format!("{actor} freed the key"),
        AuditAction::Hold => format!("{actor} kept the outcome open for longer"),
        AuditAction::Evict => format!("{actor} deleted the record"),
        AuditAction::View => format!("{actor} saw the stored response"),
        AuditAction::Late => {
            format!("{actor} reported {} after it had lost its claim", entry.state)
        }
        action => format!("{actor}: {}", action.name()),
    };
    let suffix = match outcome {
        AuditOutcome::Done => "",
        AuditOutcome::Rejected => ": rejected, nothing was changed",
        _ => ": unfinished, the change may have been made",
    };
    Moment::new(*at, title + suffix, reason.to_string())
}

/// The warning about a late completion.
pub(crate) fn late(AuditRecord { at, entry, .. }: &AuditRecord) -> String {
    let (run, status) = (&entry.actor, &entry.state);
    format!("A second effect may exist: {run} reported {status} at {}.", time(*at))
}

/// A response as text.
pub(crate) struct ResponseView {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl From<&StoredResponse> for ResponseView {
    fn from(StoredResponse { status, headers, body, .. }: &StoredResponse) -> Self {
        let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let headers = headers.iter().map(|(name, value)| (shown(name), shown(&value))).collect();
        let body = match str::from_utf8(body) {
            Ok(body) => body.to_owned(),
            Err(_) => format!("({} bytes, not text)", body.len()),
        };
        Self { status: *status, headers, body }
    }
}
