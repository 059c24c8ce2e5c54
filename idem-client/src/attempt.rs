//! One attempt: sends the request, reads the response, classifies it and records it in a span.

use std::time::Duration;

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Next};
use tokio::time::timeout;
use tracing::field::{Empty, display};
use tracing::{Instrument, Span, info_span};

use crate::collect::{Collected, collect};
use crate::verdict::{TimedOut, Verdict};

/// Sends `request` once and reads its response, both within `time`.
pub(crate) async fn attempt(
    number: u32,
    request: Request,
    extensions: &mut Extensions,
    next: Next<'_>,
    time: Duration,
    max_response: usize,
) -> (Result<Response, Error>, Verdict) {
    let span = span(number, &request);
    let exchange = async {
        let response = next.run(request, extensions).await?;
        Ok(collect(response, max_response).await?)
    };
    let result = timeout(time, exchange.instrument(span.clone())).await;
    let result = result.unwrap_or_else(|_| Err(Error::middleware(TimedOut)));
    let verdict = classify(&result);
    record(&span, &result, verdict);
    (result.map(|collected| collected.response), verdict)
}

fn classify(result: &Result<Collected, Error>) -> Verdict {
    match result {
        Ok(Collected { response, body }) => {
            Verdict::of_response(response.status(), response.headers(), body.as_ref())
        }
        Err(error) => Verdict::of_error(error),
    }
}

/// The span of one attempt. It leaves out possible secrets: the key, other headers, the query and the body.
fn span(number: u32, request: &Request) -> Span {
    let url = request.url();
    info_span!(
        "idempotent_attempt",
        attempt = number,
        http.request.method = %request.method(),
        server.address = url.host_str(),
        server.port = url.port_or_known_default(),
        url.path = url.path(),
        http.response.status_code = Empty,
        error = Empty,
        verdict = Empty,
    )
}

fn record(span: &Span, result: &Result<Collected, Error>, verdict: Verdict) {
    match result {
        Ok(collected) => {
            span.record("http.response.status_code", collected.response.status().as_u16());
        }
        Err(error) => {
            span.record("error", display(kind(error)));
        }
    }
    span.record("verdict", verdict.as_str());
}

/// The kind of an error. The error itself would show the whole URL with its query.
fn kind(error: &Error) -> &'static str {
    match error {
        Error::Middleware(error) if error.is::<TimedOut>() => "timeout",
        Error::Middleware(_) => "middleware",
        Error::Reqwest(error) if error.is_timeout() => "timeout",
        Error::Reqwest(error) if error.is_connect() => "connect",
        Error::Reqwest(error) if error.is_redirect() => "redirect",
        Error::Reqwest(error) if error.is_decode() => "read",
        Error::Reqwest(error) if error.is_request() => "request",
        Error::Reqwest(_) => "other",
    }
}
