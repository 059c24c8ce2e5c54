//! Text for people.

use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use idem_core::records::{AuditRecord, FoundRecord, FoundState, RecordHandle};
use idem_core::store::{RecordIdPrefix, StoredResponse, Timestamp};
use idem_core::{Guarantee, UnknownReason};

use crate::commands::Stats;

/// Returns a duration in its two largest units, such as `4m 10s`.
pub(crate) fn duration(duration: Duration) -> String {
    // Whole seconds: no decision depends on less.
    let text = humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// Returns a time in UTC to the second.
pub(crate) fn time(time: Timestamp) -> String {
    let seconds = i64::try_from(time.0 / 1_000_000).ok();
    let time = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.unwrap_or(jiff::Timestamp::MAX).strftime("%F %TZ").to_string()
}

/// The first digits of an id.
fn short(record: &FoundRecord) -> String {
    super::id(record.id)[..RecordIdPrefix::MIN_DIGITS].to_owned()
}

pub(super) fn record(record: &RecordHandle, downstream: &[String]) {
    let (operation, label) = (record.extras.operation(), record.extras.label());
    println!("record      {}", super::id(record.id));
    match label {
        "" => println!("operation   {operation}"),
        label => println!("operation   {operation}    label {label}"),
    }
    println!("state       {}", state(record));
    if !record.extras.dispute().is_empty() {
        println!("dispute     {}", record.extras.dispute());
    }
    println!("run         {}", run(record));
    for label in downstream {
        println!("downstream  {label}  {}", record.downstream_key(label).as_str());
    }
    println!("next        {}", next(record));
}

/// Prints a stored response like an HTTP message. Its headers and its body are made by the service, so control characters
/// are shown as escapes: they could change what the terminal shows.
pub(super) fn response(StoredResponse { status, headers, body, .. }: &StoredResponse) {
    println!("response    {status}");
    for (name, value) in headers.iter() {
        println!("            {}: {}", name.escape_ascii(), value.escape_ascii());
    }
    match str::from_utf8(body) {
        Ok(body) => println!("\n{}", printable(body)),
        Err(_) => println!("\n({} bytes, not text; use --json)", body.len()),
    }
}

fn printable(text: &str) -> String {
    let shown = |character: char| !character.is_control() || matches!(character, '\n' | '\t');
    let escaped = |character: char| match shown(character) {
        true => character.to_string(),
        false => character.escape_default().to_string(),
    };
    text.chars().map(escaped).collect()
}

/// Warns of a result that a run reported after it had lost its claim.
pub(super) fn late(AuditRecord { at, entry, .. }: &AuditRecord) {
    let (run, status) = (&entry.actor, &entry.state);
    println!("warning     a second effect may exist: {run} reported {status} at {}", time(*at));
}

fn state(record: &FoundRecord) -> String {
    let (age, until) = (duration(record.age()), time(record.expires_at));
    match record.state {
        FoundState::Running => {
            format!("running for {age}, under a lease until {}", time(record.lease_until))
        }
        FoundState::Completed { status } => {
            format!("completed with {status}, claimed {age} ago, kept until {until}")
        }
        FoundState::NotRetained { status } => {
            format!(
                "completed with {status}, response not retained, claimed {age} ago, kept until {until}"
            )
        }
        FoundState::Unknown(reason) => {
            let why = match reason {
                UnknownReason::Crashed => {
                    format!("crashed: the lease ended at {}", time(record.since()))
                }
                reason => reason.to_string(),
            };
            format!("outcome unknown for {age} ({why}), kept until {until}")
        }
    }
}

fn run(record: &FoundRecord) -> String {
    let guarantee = record.guarantee.name().replace('-', " ");
    let recover = if record.recoverable { ", with `recover`" } else { "" };
    format!("attempt {}, {guarantee}{recover}, fencing token {}", record.attempt, record.token.0)
}

/// What an operator can do.
fn next(record: &FoundRecord) -> String {
    let id = short(record);
    let ask = format!(
        "ask the provider by the downstream key, then `idem resolve {id} complete …` or `… release …`"
    );
    match record.state {
        FoundState::Running => "wait; the run holds the key".to_owned(),
        FoundState::Completed { .. } => "nothing; a retry gets the stored response".to_owned(),
        FoundState::NotRetained { .. } => {
            "nothing; a retry gets 409 `result-unavailable`, since the effect took place".to_owned()
        }
        FoundState::Unknown(UnknownReason::Crashed)
            if record.guarantee == Guarantee::AtLeastOnce =>
        {
            "nothing; a retry runs again".to_owned()
        }
        FoundState::Unknown(UnknownReason::Disputed) => ask,
        FoundState::Unknown(_) if record.recoverable => {
            format!("a retry asks the provider by itself; without one, {ask}")
        }
        FoundState::Unknown(UnknownReason::TimedOut | UnknownReason::Drained) => {
            format!("{ask}; `release` needs --force, since the lost run may still be active")
        }
        FoundState::Unknown(UnknownReason::Crashed) => format!(
            "make sure that the process of the run has ended, since a stopped one reads as crashed too; then {ask}"
        ),
        FoundState::Unknown(_) => ask,
    }
}

/// The rows of a list.
#[derive(Default)]
pub(crate) struct Rows(Vec<[String; 5]>);

impl Rows {
    pub(super) fn push(&mut self, record: &RecordHandle) {
        let state = match (super::reason(record), record.state) {
            (Some(reason), _) => format!("unknown ({reason})"),
            (None, FoundState::Completed { status }) => format!("completed ({status})"),
            (None, state) => super::state_name(state).to_owned(),
        };
        self.0.push([
            short(record),
            state,
            duration(record.age()),
            record.extras.operation().to_owned(),
            record.extras.label().to_owned(),
        ]);
    }

    pub(super) fn print(self) {
        if self.0.is_empty() {
            println!("no records");
            return;
        }
        print_table(["RECORD", "STATE", "FOR", "OPERATION", "LABEL"].map(str::to_owned), self.0);
    }
}

fn print_table<const N: usize>(header: [String; N], rows: Vec<[String; N]>) {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table.add_rows(rows);
    println!("{}", table.trim_fmt());
}

pub(super) fn audit(AuditRecord { at, entry, outcome, .. }: &AuditRecord) {
    let (at, id) = (time(*at), &super::id(entry.record)[..RecordIdPrefix::MIN_DIGITS]);
    let (action, outcome) = (entry.action.name(), super::outcome_name(*outcome));
    let (actor, state, reason) = (&entry.actor, &entry.state, &entry.reason);
    println!("{at}  {id}  {action:<8}  {outcome:<10}  {actor}  before: {state}  reason: {reason}");
}

pub(super) fn stats(stats: &Stats, sweep_lag: Option<Duration>) {
    const STATES: [&str; 4] = ["running", "completed", "not-retained", "unknown"];
    if stats.counts.is_empty() {
        println!("no records");
    } else {
        let header = ["OPERATION", "RUNNING", "COMPLETED", "NOT RETAINED", "UNKNOWN"];
        let rows = stats.counts.iter().map(|(operation, counts)| {
            let [a, b, c, d] =
                STATES.map(|state| counts.get(state).copied().unwrap_or(0).to_string());
            [operation.clone(), a, b, c, d]
        });
        print_table(header.map(str::to_owned), rows.collect());
    }
    if let Some(oldest) = &stats.oldest_unknown {
        println!("oldest unknown outcome: {}, for {}", short(oldest), duration(oldest.age()));
    }
    if let Some(lag) = sweep_lag {
        println!("deletion of expired records is behind by {}", duration(lag));
    }
}
