//! `idem audit`

use std::time::Duration;

use idem_core::records::AuditFilter;
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
        let now = u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or(0);
        Timestamp(now.saturating_sub(u64::try_from(since.as_micros()).unwrap_or(u64::MAX)))
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
