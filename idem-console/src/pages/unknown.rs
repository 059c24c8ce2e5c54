//! The list of unknown outcomes.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use idem_core::UnknownReason;
use idem_core::records::{Filter, FoundState, RecordHandle};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::{Row, page as render};
use crate::App;
use crate::guard::Visit;
use crate::problem::Problem;

/// The maximum number of records in the list.
const MAX_ROWS: usize = 500;

/// The time after which the search ends.
const MAX_TIME: Duration = Duration::from_secs(10);

#[derive(Template)]
#[template(path = "unknown.html")]
struct UnknownPage<'a> {
    visit: &'a Visit,
    operation: &'a str,
    rows: Vec<Row>,
    is_complete: bool,
}

#[derive(Deserialize)]
pub(crate) struct Selection {
    #[serde(default)]
    operation: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    Extension(visit): Extension<Arc<Visit>>,
    Query(Selection { operation }): Query<Selection>,
) -> Result<Response, Problem> {
    let operation = operation.trim();
    let mut filter = Filter::unknown();
    if !operation.is_empty() {
        filter = filter.operation(operation);
    }
    let (mut records, is_complete) = find(&app, &visit, filter).await?;
    let is_disputed =
        |record: &RecordHandle| record.state == FoundState::Unknown(UnknownReason::Disputed);
    records.sort_by_key(|record| Reverse((is_disputed(record), record.age())));
    let rows = records.iter().map(|record| Row::new(record)).collect();
    let page = UnknownPage { visit: &visit, operation, rows, is_complete };
    Ok(render(StatusCode::OK, &page))
}

/// Returns the records that the operator may see, and whether these are all.
async fn find(
    app: &App,
    visit: &Visit,
    filter: Filter,
) -> Result<(Vec<RecordHandle>, bool), Problem> {
    let mut listing = app.idempotency.records()?.list(filter);
    let (mut records, mut seen) = (Vec::new(), BTreeSet::new());
    let deadline = Instant::now() + MAX_TIME;
    while let Ok(next) = timeout_at(deadline, listing.try_next()).await {
        let Some(record) = next? else { return Ok((records, true)) };
        // A listing may repeat a record.
        if visit.check(&record).is_err() || !seen.insert(record.id) {
            continue;
        }
        if records.len() == MAX_ROWS {
            break;
        }
        records.push(record);
    }
    Ok((records, false))
}
