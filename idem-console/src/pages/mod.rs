//! The pages.

pub(crate) mod record;
pub(crate) mod resolve;
pub(crate) mod search;
pub(crate) mod unknown;

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use idem_core::records::FoundRecord;

use crate::problem::Problem;
use crate::view::{self, Badge};

/// Renders a page.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

pub(crate) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../templates/style.css"))
}

pub(crate) async fn missing() -> Problem {
    Problem::missing("There is no such page.")
}

/// A record in a table.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) short: String,
    pub(crate) badge: Badge,
    pub(crate) reason: &'static str,
    pub(crate) age: String,
    pub(crate) operation: String,
    pub(crate) label: String,
}

impl Row {
    pub(crate) fn new(record: &FoundRecord) -> Self {
        let reason = match record.state {
            idem_core::store::FoundState::Unknown(reason) => reason.name(),
            _ => "",
        };
        Self {
            id: view::id(record.id),
            short: view::short(record),
            badge: view::badge(record.state),
            reason,
            age: view::duration(record.age()),
            operation: record.extras.operation().to_owned(),
            label: record.extras.label().to_owned(),
        }
    }
}
