//! Errors as pages.

use std::error::Error;
use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use idem_core::records::input::InvalidInput;
use idem_core::records::{Objection, RecordsError};

use crate::guard::Visit;
use crate::pages::page;
use crate::view;

/// The reason why a request has no other page.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: Arc<str>,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        title: &'static str,
        detail: impl Into<Arc<str>>,
    ) -> Self {
        Self { status, title, detail: detail.into() }
    }

    pub(crate) fn forbidden(detail: impl Into<Arc<str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Not permitted", detail)
    }

    pub(crate) fn invalid(detail: impl Into<Arc<str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "The input cannot be used", detail)
    }

    pub(crate) fn missing(detail: impl Into<Arc<str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", detail)
    }

    /// A response that the framework made.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self::new(status, title, "The request cannot be served.")
    }

    pub(crate) fn page(&self, visit: &Visit) -> Response {
        let Self { status, title, detail } = self;
        page(*status, &ProblemPage { visit, title, detail })
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    visit: &'a Visit,
    title: &'a str,
    detail: &'a str,
}

/// The guard renders it, because the page contains the name of the operator.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<RecordsError> for Problem {
    fn from(error: RecordsError) -> Self {
        match &error {
            RecordsError::Store(source) => {
                let error = source as &dyn Error;
                tracing::error!(error, "the console cannot use the store");
                let detail = "The store does not reply, or the record cannot be read. If this was a change, look at the record \
                              before you repeat it.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "The store is unavailable", detail)
            }
            RecordsError::Unsupported(_) => {
                Self::new(StatusCode::NOT_IMPLEMENTED, "Not supported", error.to_string())
            }
            RecordsError::Objection(objection) => Self::from(*objection),
            _ => Self::invalid(error.to_string()),
        }
    }
}

impl From<InvalidInput> for Problem {
    fn from(error: InvalidInput) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<Objection> for Problem {
    fn from(objection: Objection) -> Self {
        let hint = match objection {
            Objection::MayBeActive(_) => {
                ". End its process first, and confirm that in the form".to_owned()
            }
            Objection::ShorterHold { until, .. } => {
                format!(". It is kept until {}, so enter more days", view::time(until))
            }
            _ => String::new(),
        };
        Self::new(StatusCode::CONFLICT, "Nothing was changed", format!("{objection}{hint}."))
    }
}
