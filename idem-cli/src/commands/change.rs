//! `idem resolve` and `idem evict`

use std::fs;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use idem_core::records::{Actor, Objection, RecordHandle, RecordsError, input};
use idem_core::store::{RecordIdPrefix, Update};

use super::Context;
use crate::args::{Change, Resolution};
use crate::failure::Failure;
use crate::output::{self, Details};

/// Ends an unknown outcome.
pub(super) async fn resolve(
    context: &Context,
    reference: RecordIdPrefix,
    resolution: Resolution,
) -> Result<(), Failure> {
    match resolution {
        Resolution::Complete { status, body, header, max_response, change } => {
            let body = body.as_deref().map(read).transpose()?.unwrap_or_default();
            let response = input::response(status, body, &header)?;
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
            record.may_be_released().or_else(|objection| forced(objection, force))?;
            let actor =
                confirmed(context, &record, &change, "free the key; the next request runs again")?;
            applied(context, &record, record.release(&actor).await, "released").await
        }
        Resolution::Hold { hold, change } => {
            let record = context.only(reference).await?;
            must_be_unknown(context, &record, &change)?;
            record.may_be_held(hold).map_err(refused)?;
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
    if let Err(objection @ Objection::Live(_)) = record.may_be_resolved() {
        return Err(refused(objection));
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
    output::record(record, &Details::default(), context.common.json);
    Err(Failure::Changed)
}

fn must_be_unknown(
    context: &Context,
    record: &RecordHandle,
    change: &Change,
) -> Result<(), Failure> {
    must_have_token(context, record, change)?;
    record.may_be_resolved().map_err(refused)
}

/// `--force` overrides the objection that blocking code of the lost run may still be active.
fn forced(objection: Objection, force: bool) -> Result<(), Failure> {
    if force && matches!(objection, Objection::MayBeActive(_)) {
        Ok(())
    } else {
        Err(refused(objection))
    }
}

/// Adds to an objection what the command can do about it.
fn refused(objection: Objection) -> Failure {
    let hint = match objection {
        Objection::Live(left) => {
            format!("; its lease is valid for at least {}", output::duration(left))
        }
        Objection::Settled(_) => "; `idem evict` deletes it".to_owned(),
        Objection::MayBeActive(_) => ". Pass --force once its process has ended".to_owned(),
        Objection::ShorterHold { until, left } => {
            let (until, least) = (output::time(until), at_least(left));
            format!("; it is kept until {until}, so hold it for at least {least}")
        }
        _ => String::new(),
    };
    Failure::Refused(format!("{objection}{hint}"))
}

/// Returns a duration that is not shorter, as an argument in one unit.
fn at_least(duration: Duration) -> String {
    let seconds = duration.as_secs() + 1;
    let units = [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60)];
    let unit = units.into_iter().find(|(_, length)| seconds > *length);
    let (name, length) = unit.unwrap_or(("s", 1));
    format!("{}{name}", seconds.div_ceil(length))
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
        output::record(record, &Details::default(), false);
        let digits = &output::id(record.id)[..RecordIdPrefix::MIN_DIGITS];
        print!("\nThis will {plan}.\nType {digits} to confirm: ");
        io::stdout().flush().ok();
        let mut answer = String::new();
        input.read_line(&mut answer).ok();
        if answer.trim() != digits {
            return Err(Failure::Refused("not confirmed; nothing was changed".to_owned()));
        }
    }
    Ok(Actor::new(actor_name(context)).reason(&*change.reason))
}

/// The name for the audit log: `--actor`, or user@host.
pub(super) fn actor_name(context: &Context) -> String {
    if let Some(actor) = &context.common.actor {
        return actor.clone();
    }
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
        Some(current) => output::record(&current, &Details::default(), context.common.json),
        None => eprintln!("the record does not exist any more"),
    }
    Err(Failure::Changed)
}

/// Reads a file, or standard input for `-`.
pub(super) fn read(path: &Path) -> Result<Bytes, Failure> {
    let read = if path == Path::new("-") {
        let mut body = Vec::new();
        io::stdin().read_to_end(&mut body).map(|_| body)
    } else {
        fs::read(path)
    };
    let failed = |error| Failure::Usage(format!("cannot read {}: {error}", path.display()));
    read.map(Bytes::from).map_err(failed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn least_hold_is_never_shorter_and_can_be_given() {
        for (seconds, text) in [(0, "1s"), (59, "60s"), (60, "2m"), (3_599, "60m"), (3_600, "2h")] {
            assert_eq!(at_least(Duration::from_secs(seconds)), text);
        }
        for millis in [1, 999, 59_999, 3_600_001, 86_400_000, 30 * 86_400_000 - 1] {
            let left = Duration::from_millis(millis);
            let least = humantime::parse_duration(&at_least(left)).unwrap();
            assert!(least >= left, "{least:?} {left:?}");
        }
    }
}
