//! One record: its state, its timeline, and its stored response after an audited click.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use idem_core::records::{
    Actor, AuditFilter, AuditRecord, FoundState, RecordHandle, RecordIdPrefix,
};
use idem_core::store::AuditAction;

use super::page as render;
use crate::App;
use crate::guard::Visit;
use crate::problem::Problem;
use crate::view::{self, Badge, Moment, ResponseView};

/// The maximum number of entries of the audit log that a timeline shows.
const MAX_ENTRIES: usize = 200;

#[derive(Template)]
#[template(path = "record.html")]
struct RecordPage<'a> {
    visit: &'a Visit,
    /// Why the page is shown in place of another.
    alert: &'a str,
    late: Vec<String>,
    id: String,
    short: String,
    token: u64,
    operation: &'a str,
    label: &'a str,
    guarantee: String,
    attempt: u32,
    badge: Badge,
    state: String,
    advice: &'static str,
    downstream: Vec<(&'a str, String)>,
    timeline: Vec<Moment>,
    has_response: bool,
    may_resolve: bool,
    /// The lost run may still act, so the operator must confirm the end of its process.
    may_be_active: bool,
}

#[derive(Template)]
#[template(path = "response.html")]
struct ResponsePage<'a> {
    visit: &'a Visit,
    id: String,
    short: String,
    response: ResponseView,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    Extension(visit): Extension<Arc<Visit>>,
    Path(reference): Path<String>,
) -> Result<Response, Problem> {
    // Log lines have the first digits, and a link made from them finds the record too.
    if reference.len() != 64 {
        let search = format!("{}/search?reference={}", visit.base, digits(&reference));
        return Ok(Redirect::to(&search).into_response());
    }
    let record = find(&app, &visit, &reference).await?;
    show(&app, &visit, &record, StatusCode::OK, "").await
}

/// A reference as a part of a URL. Other characters than digits are not part of one.
fn digits(reference: &str) -> String {
    reference.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Finds the record of a whole id.
pub(crate) async fn find(
    app: &App,
    visit: &Visit,
    reference: &str,
) -> Result<RecordHandle, Problem> {
    let missing =
        || Problem::missing("There is no such record. It may have expired or been freed.");
    let id = reference.parse::<RecordIdPrefix>().map_err(|_| missing())?;
    let (first, last) = id.range();
    if first != last {
        return Err(missing());
    }
    let record = app.idempotency.records()?.find(first).await?.ok_or_else(missing)?;
    visit.check(&record)?;
    Ok(record)
}

/// Shows a record.
pub(crate) async fn show(
    app: &App,
    visit: &Visit,
    record: &RecordHandle,
    status: StatusCode,
    alert: &str,
) -> Result<Response, Problem> {
    let filter = AuditFilter::of_record(record.id);
    let audit = app.idempotency.records()?.audit(filter, None, MAX_ENTRIES).await?.records;
    let is_late = |entry: &&AuditRecord| entry.entry.action == AuditAction::Late;
    let labels = app.console.downstream.iter();
    let key = |label: &'_ String| record.downstream_key(label).as_str().to_owned();
    let page = RecordPage {
        visit,
        alert,
        late: audit.iter().filter(is_late).map(view::late).collect(),
        id: view::id(record.id),
        short: view::short(record),
        token: record.token.0,
        operation: record.extras.operation(),
        label: record.extras.label(),
        guarantee: record.guarantee.name().replace('-', " "),
        attempt: record.attempt,
        badge: view::badge(record.state),
        state: view::state(record),
        advice: view::advice(record),
        downstream: labels.map(|label| (&**label, key(label))).collect(),
        timeline: view::timeline(record, &audit),
        has_response: matches!(record.state, FoundState::Completed { .. }),
        may_resolve: visit.may_resolve() && record.may_be_resolved().is_ok(),
        may_be_active: record.may_be_released().is_err(),
    };
    Ok(render(status, &page))
}

/// Shows the stored response, after an entry in the audit log.
pub(crate) async fn response(
    State(app): State<Arc<App>>,
    Extension(visit): Extension<Arc<Visit>>,
    Path(reference): Path<String>,
) -> Result<Response, Problem> {
    let record = find(&app, &visit, &reference).await?;
    let actor = Actor::new(&*visit.operator.name).reason("shown in the console");
    let Some(response) = record.view_response(&actor).await? else {
        return Err(Problem::missing("The record has no stored response."));
    };
    let (id, short) = (view::id(record.id), view::short(&record));
    let response = ResponseView::from(&response);
    Ok(render(StatusCode::OK, &ResponsePage { visit: &visit, id, short, response }))
}
