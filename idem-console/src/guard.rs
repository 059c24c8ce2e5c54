//! The checks before every page, and the headers of every response.

use std::sync::Arc;

use axum::extract::{OriginalUri, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use idem_core::records::FoundRecord;

use crate::problem::Problem;
use crate::{App, May, Operator};

/// Pages load only their own style sheet.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// One request of an operator.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) operator: Operator,
    pub(crate) title: String,
    /// The path under which the router is nested. Empty at the root.
    pub(crate) base: String,
}

impl Visit {
    /// The path of the first page.
    pub(crate) fn home(&self) -> &str {
        if self.base.is_empty() { "/" } else { &self.base }
    }

    pub(crate) fn may_resolve(&self) -> bool {
        self.operator.may == May::Resolve
    }

    /// # Errors
    /// If the operator may not see the record.
    pub(crate) fn check(&self, record: &FoundRecord) -> Result<(), Problem> {
        let operation = record.extras.operation();
        if self.operator.operations.contain(operation) {
            return Ok(());
        }
        Err(Problem::forbidden("You may not see records of this operation."))
    }
}

pub(crate) async fn guard(
    State(app): State<Arc<App>>,
    OriginalUri(original): OriginalUri,
    mut request: Request,
    next: Next,
) -> Response {
    let operator = request.extensions().get::<Operator>();
    let Some(operator) = operator.filter(|operator| !operator.name.trim().is_empty()).cloned()
    else {
        let text = "no operator: the authentication in front of the console must set one";
        return with_headers((StatusCode::FORBIDDEN, text).into_response());
    };
    let base = original.path().strip_suffix(request.uri().path()).unwrap_or_default();
    // Nested at `/a`, the first page has the path `/a` outside and `/` inside.
    let base = if request.uri().path() == "/" { original.path() } else { base };
    let base = base.trim_end_matches('/').to_owned();
    let visit = Arc::new(Visit { operator, title: app.console.title.clone(), base });
    let mut response = if is_allowed(request.method(), request.headers(), &original) {
        request.extensions_mut().insert(Arc::clone(&visit));
        next.run(request).await
    } else {
        let detail = "The form was not sent from this console.";
        Problem::forbidden(detail).into_response()
    };
    if let Some(problem) = problem(&mut response) {
        response = problem.page(&visit);
    }
    with_headers(response)
}

/// Whether a request that can change something comes from a page of the console.
fn is_allowed(method: &Method, headers: &HeaderMap, original: &Uri) -> bool {
    if method.is_safe() {
        return true;
    }
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site == "same-origin";
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| original.authority().map(Authority::as_str));
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let origin = origin.and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    host.is_some() && origin == host
}

/// Returns the problem of a response, also of one that the framework made.
fn problem(response: &mut Response) -> Option<Problem> {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        return Some(problem);
    }
    let kind = response.headers().get(CONTENT_TYPE);
    let is_page = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    (is_error && !is_page).then(|| Problem::of_status(response.status()))
}

fn with_headers(mut response: Response) -> Response {
    // The referrer stays within the origin: without one, browsers would send `Origin: null`.
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
