//! `idem list` and `idem stats`

use std::collections::{BTreeMap, BTreeSet};

use idem_core::records::{Filter, FoundRecord, FoundState};
use wildmatch::WildMatch;

use super::Context;
use crate::args::{List, StateName};
use crate::failure::Failure;
use crate::output::{self, Table};
use crate::progress::Progress;

impl StateName {
    const fn of(state: FoundState) -> Self {
        match state {
            FoundState::Running => Self::Running,
            FoundState::Completed { .. } => Self::Completed,
            FoundState::NotRetained { .. } => Self::NotRetained,
            FoundState::Unknown(_) => Self::Unknown,
        }
    }
}

pub(super) async fn run(context: &Context, list: &List) -> Result<(), Failure> {
    let mut filter =
        if list.state == Some(StateName::Unknown) { Filter::unknown() } else { Filter::all() };
    if let Some(operation) = &list.operation {
        filter = filter.operation(operation.as_str());
    }
    filter = filter.older_than(list.older_than.unwrap_or_default());
    let label = list.label.as_deref().map(WildMatch::new);
    let is_wanted = |record: &FoundRecord| {
        list.state.is_none_or(|state| state == StateName::of(record.state))
            && list.since.is_none_or(|since| record.age() <= since)
            && label.as_ref().is_none_or(|label| label.matches(record.extras.label()))
    };
    let (mut listing, mut seen) = (Progress::of(context.records.list(filter)), BTreeSet::new());
    let mut table = Table::new(context.common.json);
    let limit = list.limit.get() as usize;
    let mut more = false;
    while let Some(record) = listing.try_next().await? {
        if !is_wanted(&record) || seen.contains(&record.id) {
            continue;
        }
        if seen.len() == limit {
            more = true;
            break;
        }
        seen.insert(record.id);
        table.push(&record);
    }
    table.print();
    if more {
        eprintln!("note: only the first {limit} records; raise --limit or narrow the filter");
    }
    if context.common.store.as_deref().is_some_and(|url| url.starts_with("redis-cluster")) {
        eprintln!("note: a record that changed its Cluster node during the listing can be missing");
    }
    Ok(())
}

/// Numbers of records by operation, and of each its states.
#[derive(Default)]
pub(crate) struct Stats {
    pub(crate) counts: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// The unknown outcome that has been unknown for the longest time.
    pub(crate) oldest_unknown: Option<FoundRecord>,
}

pub(super) async fn stats(context: &Context) -> Result<(), Failure> {
    let (mut listing, mut seen) =
        (Progress::of(context.records.list(Filter::all())), BTreeSet::new());
    let mut stats = Stats::default();
    while let Some(record) = listing.try_next().await? {
        if !seen.insert(record.id) {
            continue;
        }
        let states = stats.counts.entry(record.extras.operation().to_owned()).or_default();
        *states.entry(output::state_name(record.state)).or_default() += 1;
        let is_older = stats.oldest_unknown.as_ref().is_none_or(|old| record.age() > old.age());
        if matches!(record.state, FoundState::Unknown(_)) && is_older {
            stats.oldest_unknown = Some(FoundRecord::clone(&record));
        }
    }
    output::stats(&stats, context.store.sweep_lag().await?, context.common.json);
    Ok(())
}
