//! `idem audit`

use std::time::Duration;

use idem_core::records::{AuditCheck, AuditFilter};
use idem_core::store::{RecordIdPrefix, Timestamp};

use super::Context;
use crate::failure::Failure;
use crate::output;

/// The number of entries that are read at a time.
const PAGE: usize = 200;

pub(super) async fn run(
    context: &Context,
    reference: Option<RecordIdPrefix>,
    since: Option<Duration>,
) -> Result<(), Failure> {
    let mut filter = AuditFilter::default();
    // Entries outlive their record, so its first digits are compared with those of every entry.
    let is_wanted = |id| reference.is_none_or(|prefix| prefix.matches(id));
    filter.since = since.map(|since| {
        Timestamp(now().0.saturating_sub(u64::try_from(since.as_micros()).unwrap_or(u64::MAX)))
    });
    let (mut after, mut count) = (None, 0);
    loop {
        let page = context.records.audit(filter, after, PAGE).await?;
        for entry in page.records.iter().filter(|entry| is_wanted(entry.entry.record)) {
            output::audit(entry, context.common.json);
            count += 1;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if count == 0 {
        eprintln!("note: no entry of the audit log matches");
    }
    Ok(())
}

/// The clock of this machine.
fn now() -> Timestamp {
    Timestamp(u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or(0))
}

/// Checks the chain of the entries.
pub(super) async fn verify(context: &Context) -> Result<(), Failure> {
    let (check, newest) = context.records.verify_audit_with_digest().await?;
    output::audit_check(&check, newest, context.common.json);
    match check {
        AuditCheck::Intact { .. } => {
            eprintln!(
                "note: the removal of the oldest or newest entries, or of all, and a change of the newest one leave the chain \
                 intact; keep this number and digest outside the store, and compare them at the next run"
            );
            Ok(())
        }
        AuditCheck::Broken { .. } => Err(Failure::Store {
            message: "the audit log was changed: an entry does not fit to the one before it"
                .to_owned(),
            source: None,
        }),
        AuditCheck::NotChained => Err(Failure::Refused(
            "the entries of this store are not chained, so a change of them cannot be found"
                .to_owned(),
        )),
    }
}

/// Deletes the entries before a time.
pub(super) async fn prune(context: &Context, before: Timestamp, yes: bool) -> Result<(), Failure> {
    if before > now() {
        return Err(Failure::Usage(format!(
            "{} is in the future, so every entry would be deleted; give --prune-before a past time",
            output::time(before)
        )));
    }
    if !yes {
        return Err(Failure::Usage(format!(
            "this deletes the entries of the audit log before {} for good; confirm with --yes",
            output::time(before)
        )));
    }
    output::pruned(context.records.prune_audit(before).await?, context.common.json);
    Ok(())
}
