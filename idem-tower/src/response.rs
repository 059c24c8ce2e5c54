//! Conversion between responses of a service and stored responses.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use idem_core::http::{
    self as rules, Delivery, Executed, Head, PassThrough, RefusalDetails, ResponseRules, Served,
    grpc_refusal,
};
use idem_core::store::{Headers, StoredResponse};
use idem_core::{Idempotency, Outcome, Policy, Refusal, Rejection};

use crate::body::GuardedBody;
use crate::frames::Frames;
use crate::request::{Echo, content_type};

/// Statics, because constructing a `HeaderName` parses it.
static REPLAYED: HeaderName = HeaderName::from_static(rules::REPLAYED);
static REFUSED: HeaderName = HeaderName::from_static(rules::REFUSED);

/// Reads the response of a service: returns the response for the client, with the body that `convert` makes, and the
/// completion for the record.
pub fn record<B, R, C>(
    response: Response<B>,
    rules: &ResponseRules,
    convert: C,
) -> impl Future<Output = Executed<Response<R>>> + use<B, R, C>
where
    B: Body<Data = Bytes> + Unpin,
    R: From<Bytes>,
    C: FnOnce(GuardedBody<B>) -> R,
{
    let (parts, body) = unmarked(response, rules).into_parts();
    let status = parts.status.as_u16();
    let head = Head {
        status,
        headers: stored_headers(&parts.headers, rules),
        declared: parts.extensions.get().copied(),
        announced: announced(&body, &parts.headers),
        is_stream: rules::is_stream(status, content_type(&parts.headers))
            || parts.extensions.get::<PassThrough>().is_some(),
    };
    rules::capture(head, Frames::of(body), rules.max_response, |body| match body {
        Ok(body) => Response::from_parts(parts, convert(rebuild(body))),
        Err(stored) => from_stored(stored),
    })
}

/// The minimum size of a body. For a stream of unknown length, `Content-Length` announces it.
fn announced(body: &impl Body, headers: &HeaderMap) -> u64 {
    let hint = body.size_hint();
    let sent = || headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    hint.exact().or_else(sent).unwrap_or(hint.lower())
}

/// Removes the [replay marker](idem_core::rules::semantics#replay-marker) and the header of refusals from the response of a
/// service. Only replays and refusals may have them.
pub fn unmarked<B>(mut response: Response<B>, rules: &ResponseRules) -> Response<B> {
    if let Some(marker) = rules.custom_marker() {
        response.headers_mut().remove(marker);
    }
    response.headers_mut().remove(&REPLAYED);
    response.headers_mut().remove(&REFUSED);
    response
}

fn stored_headers(headers: &HeaderMap, rules: &ResponseRules) -> Headers {
    let fields = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    rules.stored_headers(fields, headers.get_all(CONNECTION).into_iter().map(HeaderValue::as_bytes))
}

/// Returns the body for the first caller, with its trailers. They are
/// [not stored](idem_core::rules::semantics#trailers).
fn rebuild<B: Body>(body: Delivery<Frames<B>, B::Error>) -> GuardedBody<B> {
    match body {
        Delivery::Whole(body, end) => GuardedBody::whole(body, end.trailers),
        Delivery::Longer(start, rest) => GuardedBody::longer(start, rest.body),
        Delivery::Broken(start, error) => GuardedBody::broken(start, error),
    }
}

/// Returns the response to a served call.
pub fn into_response<B: From<Bytes>>(
    idempotency: &Idempotency,
    served: Result<Served<Response<B>>, Refusal>,
) -> Response<B> {
    match served {
        Ok(Served::Executed(response)) => response,
        Ok(Served::Replayed(stored)) => replay(stored, idempotency.response_rules()),
        Err(refusal) => {
            let details = idempotency.details(&refusal);
            with_details(idempotency.render(&details), details)
        }
    }
}

/// Repeats the key header in a response.
pub fn echoed<B>(mut response: Response<B>, echo: Echo) -> Response<B> {
    if let Some(header) = echo {
        let (name, value) = *header;
        response.headers_mut().insert(name, value);
    }
    response
}

/// Returns the response to a request that was refused before it became a call of the engine. Its details are in the
/// extensions.
pub fn refuse<B: From<Bytes>>(
    idempotency: &Idempotency,
    policy: &Policy,
    operation: &[&str],
    refusal: &Refusal,
) -> Response<B> {
    let details = idempotency.refuse(policy, operation, refusal);
    match refusal.rejection {
        Rejection::Grpc => with_details(grpc_refusal(), details),
        // For the outer guard: the handler did not run, so its key is free.
        Rejection::GuardedTwice => {
            let mut response = with_details(idempotency.render(&details), details);
            response.extensions_mut().insert(Outcome::NotExecuted);
            response
        }
        _ => with_details(idempotency.render(&details), details),
    }
}

/// Returns a refusal as a response. It does not contain the error's source.
fn with_details<B: From<Bytes>>(refusal: StoredResponse, details: RefusalDetails) -> Response<B> {
    let mut response = from_stored(refusal);
    response.extensions_mut().insert(details);
    response
}

/// Returns a stored response with the [replay marker](idem_core::rules::semantics#replay-marker).
pub fn replay<B: From<Bytes>>(stored: StoredResponse, rules: &ResponseRules) -> Response<B> {
    let mut response = from_stored(stored);
    let custom =
        rules.custom_marker().and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
    let marker = custom.unwrap_or_else(|| REPLAYED.clone());
    response.headers_mut().insert(marker, HeaderValue::from_static("true"));
    response
}

/// Converts a stored response. The bytes of the body are shared, not copied. A stored response that is not
/// valid HTTP becomes a 500.
pub fn from_stored<B: From<Bytes>>(stored: StoredResponse) -> Response<B> {
    build(stored).unwrap_or_else(|| {
        tracing::error!(
            "a stored response is not valid HTTP: the record is damaged or was written by another program"
        );
        text(StatusCode::INTERNAL_SERVER_ERROR, "")
    })
}

/// Returns the response to a request whose body did not arrive completely.
pub fn unreadable_body<B: From<Bytes>>() -> Response<B> {
    let mut response = text(StatusCode::BAD_REQUEST, "The request body could not be read");
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

fn text<B: From<Bytes>>(status: StatusCode, text: &'static str) -> Response<B> {
    let mut response = Response::new(Bytes::from_static(text.as_bytes()).into());
    *response.status_mut() = status;
    response
}

fn build<B: From<Bytes>>(stored: StoredResponse) -> Option<Response<B>> {
    let StoredResponse { status, headers, body, .. } = stored;
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    for (name, value) in headers.iter() {
        // The name that nearly every response has is compared, which is faster than to parse it.
        let name = match name {
            b"content-type" => CONTENT_TYPE,
            name => HeaderName::from_bytes(name).ok()?,
        };
        response.headers_mut().append(name, HeaderValue::from_maybe_shared(value).ok()?);
    }
    Some(response)
}
