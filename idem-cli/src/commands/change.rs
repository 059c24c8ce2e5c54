//! `idem resolve` and `idem evict`

use std::fs;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;

use bytes::Bytes;
use idem_core::UnknownReason;
use idem_core::http::stored_headers;
use idem_core::records::{Actor, FoundState, RecordHandle, RecordsError};
use idem_core::store::{RecordIdPrefix, StoredResponse, Update};

use super::Context;
use crate::args::{Change, Resolution};
use crate::failure::Failure;
use crate::output;

/// Ends an unknown outcome.
pub(super) async fn resolve(
    context: &Context,
    reference: RecordIdPrefix,
    resolution: Resolution,
) -> Result<(), Failure> {
    match resolution {
        Resolution::Complete { status, body, header, max_response, change } => {
            let response = response(status, body.as_deref(), &header)?;
            let len = response.body.len();
            if len > max_response {
                return Err(Failure::Refused(format!(
                    "the body has {len} bytes, and {max_response} are allowed; raise --max-response if the service has a higher limit"
                )));
            }
            let record = context.only(reference).await?;
            must_be_unknown(context, &record, &change)?;
            let plan =
                format!("store {status} with {len} bytes as the response of all later requests");
            let actor = confirmed(context, &record, &change, &plan)?;
            applied(context, &record, record.complete(response, &actor).await, "completed").await
        }
        Resolution::Release { change, force } => {
            let record = context.only(reference).await?;
            must_be_unknown(context, &record, &change)?;
            may_be_silent(&record, force)?;
            let actor =
                confirmed(context, &record, &change, "free the key; the next request runs again")?;
            applied(context, &record, record.release(&actor).await, "released").await
        }
        Resolution::Hold { hold, change } => {
            let record = context.only(reference).await?;
            must_be_unknown(context, &record, &change)?;
            let plan = format!("keep the unknown outcome for {}", humantime::format_duration(hold));
            let actor = confirmed(context, &record, &change, &plan)?;
            applied(context, &record, record.extend_hold(hold, &actor).await, "held").await
        }
    }
}

/// Deletes a record whose run has ended.
pub(super) async fn evict(
    context: &Context,
    reference: RecordIdPrefix,
    change: &Change,
    force: bool,
) -> Result<(), Failure> {
    let record = context.only(reference).await?;
    must_have_token(context, &record, change)?;
    if record.state == FoundState::Running {
        return Err(live(&record));
    }
    if !force {
        return Err(Failure::Refused(
            "after `evict` a retry of the client runs again and has its effect again; pass --force if this is intended"
                .to_owned(),
        ));
    }
    let actor =
        confirmed(context, &record, change, "delete the record; the next request runs again")?;
    applied(context, &record, record.evict(&actor).await, "evicted").await
}

/// A given fencing token is compared before the state, so that an operator learns first that something has changed.
fn must_have_token(
    context: &Context,
    record: &RecordHandle,
    change: &Change,
) -> Result<(), Failure> {
    if change.fencing_token.is_none_or(|token| token == record.token.0) {
        return Ok(());
    }
    output::record(record, &[], None, context.common.json);
    Err(Failure::Changed)
}

fn must_be_unknown(
    context: &Context,
    record: &RecordHandle,
    change: &Change,
) -> Result<(), Failure> {
    must_have_token(context, record, change)?;
    match record.state {
        FoundState::Unknown(_) => Ok(()),
        FoundState::Running => Err(live(record)),
        state => Err(Failure::Refused(format!(
            "the record is {state}, so there is no doubt to end; `idem evict` deletes it"
        ))),
    }
}

fn live(record: &RecordHandle) -> Failure {
    let left = record.lease_until.since(record.now);
    Failure::Refused(format!(
        "a run holds the key for at least {}; wait for it to end",
        output::duration(left)
    ))
}

/// Blocking code of a run that was given up can still be active.
fn may_be_silent(record: &RecordHandle, force: bool) -> Result<(), Failure> {
    match record.state {
        FoundState::Unknown(reason @ (UnknownReason::TimedOut | UnknownReason::Drained))
            if !force =>
        {
            Err(Failure::Refused(format!(
                "the outcome is unknown because the run was {reason}; blocking code of that run may still be running. Pass \
                 --force once its process has ended"
            )))
        }
        _ => Ok(()),
    }
}

/// Asks on a terminal, unless the fencing token or `--yes` confirms the change. Returns who makes it.
fn confirmed(
    context: &Context,
    record: &RecordHandle,
    change: &Change,
    plan: &str,
) -> Result<Actor, Failure> {
    if !change.yes && change.fencing_token.is_none() {
        let mut input = io::stdin().lock();
        if !input.is_terminal() {
            return Err(Failure::Usage(
                "without a terminal, confirm with --yes or with the --fencing-token of `idem show`"
                    .to_owned(),
            ));
        }
        output::record(record, &[], None, false);
        let digits = &output::id(record.id)[..RecordIdPrefix::MIN_DIGITS];
        print!("\nThis will {plan}.\nType {digits} to confirm: ");
        io::stdout().flush().ok();
        let mut answer = String::new();
        input.read_line(&mut answer).ok();
        if answer.trim() != digits {
            return Err(Failure::Refused("not confirmed; nothing was changed".to_owned()));
        }
    }
    let name = context.common.actor.clone().unwrap_or_else(actor);
    Ok(Actor::new(name).reason(&*change.reason))
}

fn actor() -> String {
    let user = whoami::username().unwrap_or_else(|_| "unknown".to_owned());
    let host = whoami::hostname().unwrap_or_else(|_| "unknown".to_owned());
    format!("{user}@{host}")
}

/// Prints the result of a change.
async fn applied(
    context: &Context,
    record: &RecordHandle,
    update: Result<Update, RecordsError>,
    done: &'static str,
) -> Result<(), Failure> {
    if update? == Update::Applied {
        output::changed(record.id, done, context.common.json);
        return Ok(());
    }
    match context.records.find(record.id).await? {
        Some(current) => output::record(&current, &[], None, context.common.json),
        None => eprintln!("the record does not exist any more"),
    }
    Err(Failure::Changed)
}

/// Returns the response of the arguments.
fn response(
    status: u16,
    body: Option<&Path>,
    headers: &[String],
) -> Result<StoredResponse, Failure> {
    let body = body.map(read).transpose()?.unwrap_or_default();
    let mut fields = Vec::new();
    for header in headers {
        let (name, value) = header.split_once(':').ok_or_else(|| {
            Failure::Usage(format!("`{header}` is not a header; write NAME:VALUE"))
        })?;
        fields.push((name.trim().to_ascii_lowercase(), value.trim()));
    }
    if !body.is_empty() && fields.iter().all(|(name, _)| name != "content-type") {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
        let kind = if is_json { "application/json" } else { "application/octet-stream" };
        fields.push(("content-type".to_owned(), kind));
    }
    let all = fields.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let headers = stored_headers(all, std::iter::empty());
    if let Some((name, _)) =
        fields.iter().find(|(name, _)| headers.iter().all(|(stored, _)| stored != name.as_bytes()))
    {
        return Err(Failure::Usage(format!(
            "`{name}` is a header that is never stored; leave it out"
        )));
    }
    Ok(StoredResponse { status, headers, body })
}

fn read(path: &Path) -> Result<Bytes, Failure> {
    let read = if path == Path::new("-") {
        let mut body = Vec::new();
        io::stdin().read_to_end(&mut body).map(|_| body)
    } else {
        fs::read(path)
    };
    let failed = |error| Failure::Usage(format!("cannot read {}: {error}", path.display()));
    read.map(Bytes::from).map_err(failed)
}
