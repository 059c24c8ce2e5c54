//! The search: by the digits of a record, or by key, scope and operation.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use idem_core::http::Scope;
use idem_core::records::{RecordHandle, RecordIdPrefix, input};
use serde::Deserialize;

use super::{Row, page as render};
use crate::guard::Visit;
use crate::problem::Problem;
use crate::{App, Operations, view};

/// The maximum number of records that an ambiguous reference shows.
const MAX_FOUND: usize = 50;

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage<'a> {
    visit: &'a Visit,
    /// The operations to choose from.
    operations: &'a [String],
    message: &'a str,
    reference: &'a str,
    find: &'a Find,
    rows: Vec<Row>,
}

#[derive(Default, Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    reference: String,
}

/// The form for a key. It is sent in the body, so that keys are in no URL.
#[derive(Default, Deserialize)]
pub(crate) struct Find {
    key: String,
    /// One value a line.
    #[serde(default)]
    scope: String,
    #[serde(default)]
    global: String,
    operation: String,
}

type Page = (State<Arc<App>>, Extension<Arc<Visit>>);

fn show(
    (State(app), Extension(visit)): &Page,
    status: StatusCode,
    message: &str,
    reference: &str,
    find: &Find,
    records: &[RecordHandle],
) -> Response {
    let operations = match &visit.operator.operations {
        Operations::All => &app.console.operations,
        Operations::Only(names) => names,
    };
    let rows = records.iter().map(|record| Row::new(record)).collect();
    render(status, &SearchPage { visit, operations, message, reference, find, rows })
}

pub(crate) async fn page(page: Page) -> Response {
    show(&page, StatusCode::OK, "", "", &Find::default(), &[])
}

pub(crate) async fn by_reference(
    page: Page,
    Query(Search { reference }): Query<Search>,
) -> Result<Response, Problem> {
    let again = |status, message: &str, records: &[RecordHandle]| {
        show(&page, status, message, &reference, &Find::default(), records)
    };
    let Ok(prefix) = reference.trim().parse::<RecordIdPrefix>() else {
        let message = "This is not a reference: enter its first 8 to 64 hexadecimal digits.";
        return Ok(again(StatusCode::BAD_REQUEST, message, &[]));
    };
    let (State(app), Extension(visit)) = &page;
    let mut found = app.idempotency.records()?.find_by_prefix(prefix, MAX_FOUND).await?;
    if let [record] = &found[..] {
        visit.check(record)?;
        return Ok(to_record(visit, record));
    }
    found.retain(|record| visit.check(record).is_ok());
    Ok(match found.len() {
        0 => {
            let message = format!(
                "No record starts with {prefix}. It may have expired or been freed, or belong to another service."
            );
            again(StatusCode::NOT_FOUND, &message, &[])
        }
        count => again(
            StatusCode::OK,
            &format!("{count} records start with {prefix}. Choose one of them."),
            &found,
        ),
    })
}

pub(crate) async fn by_key(page: Page, Form(find): Form<Find>) -> Result<Response, Problem> {
    let (State(app), Extension(visit)) = &page;
    let again = |status, message: &str| Ok(show(&page, status, message, "", &find, &[]));
    let operation = find.operation.trim();
    if !visit.operator.operations.contain(operation) {
        return Err(Problem::forbidden("You may not see records of this operation."));
    }
    let keys = match input::keys(&find.key) {
        Ok(keys) => keys,
        Err(error) => {
            return again(StatusCode::BAD_REQUEST, &format!("The key cannot be used: {error}."));
        }
    };
    let values: Vec<_> =
        find.scope.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let scope = match (find.global.is_empty(), input::scope(&values)) {
        (false, _) => Scope::global(),
        (true, Ok(scope)) => scope,
        (true, Err(error)) => {
            return again(StatusCode::BAD_REQUEST, &format!("The scope cannot be used: {error}."));
        }
    };
    let (records, mut found) = (app.idempotency.records()?, Vec::new());
    for key in &keys {
        found.extend(records.by_operation_name(operation, scope, key).await?);
    }
    found.iter().try_for_each(|record| visit.check(record))?;
    match &found[..] {
        [record] => Ok(to_record(visit, record)),
        [] => again(
            StatusCode::NOT_FOUND,
            "There is no record of this key. Check scope and operation with a key that you know. If they are right, no such \
             request arrived in the time that records are kept, or its run had no effect.",
        ),
        several => {
            let message = "Several records have this key. Choose one of them.";
            Ok(show(&page, StatusCode::OK, message, "", &find, several))
        }
    }
}

fn to_record(visit: &Visit, record: &RecordHandle) -> Response {
    Redirect::to(&format!("{}/records/{}", visit.base, view::id(record.id))).into_response()
}
