//! What of an actix-web request the engine must know.

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use actix_web::test::TestRequest;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use idem_core::RequestParts;

/// What identifies a request.
pub(crate) struct Captured {
    request: HttpRequest,
    template: Option<String>,
    body: Bytes,
}

/// Why a request could not be captured.
pub(crate) enum CaptureError {
    /// Its body is over the route's limit.
    TooLarge,
    /// Its body did not arrive, or is not what the route takes.
    Broken(HttpResponse),
}

/// Captures a request and buffers its body, as [`web::Bytes`] does: under the route's own
/// [`web::PayloadConfig`]. The payload gives the body again, as it was sent.
pub(crate) async fn capture(
    request: &HttpRequest,
    payload: Payload,
) -> Result<(Captured, Payload), CaptureError> {
    let (sent, body) = read(request, payload).await.map_err(capture_error)?;
    let captured = Captured { request: request.clone(), template: request.match_pattern(), body };
    Ok((captured, Payload::from(sent)))
}

/// The body as it was sent, and as the extractors will see it.
async fn read(request: &HttpRequest, mut payload: Payload) -> Result<(Bytes, Bytes), Error> {
    if !request.headers().contains_key(CONTENT_ENCODING) {
        let body = Bytes::from_request(request, &mut payload).await?;
        return Ok((body.clone(), body));
    }
    let sent = Bytes::from_request(&unencoded(request), &mut payload).await?;
    let body = Bytes::from_request(request, &mut Payload::from(sent.clone())).await?;
    Ok((sent, body))
}

/// Stands in for `request` and says nothing of an encoding, so that its body is read as it was sent: the
/// extractors decode it themselves. The limit is known to the framework's own extractor alone.
fn unencoded(request: &HttpRequest) -> HttpRequest {
    let config = request.app_data::<web::PayloadConfig>();
    let config = config.or_else(|| Some(&***request.app_data::<web::Data<web::PayloadConfig>>()?));
    let mut unencoded = TestRequest::default().app_data(config.cloned().unwrap_or_default());
    for name in [CONTENT_LENGTH, CONTENT_TYPE] {
        if let Some(value) = request.headers().get(&name) {
            unencoded = unencoded.insert_header((name, value.clone()));
        }
    }
    unencoded.to_http_request()
}

fn capture_error(error: Error) -> CaptureError {
    match error.as_error() {
        Some(PayloadError::Overflow) => CaptureError::TooLarge,
        _ => CaptureError::Broken(HttpResponse::from_error(error)),
    }
}

impl Captured {
    /// Method and match pattern; the concrete path where there is no pattern, as in a default service (R14).
    pub(crate) fn operation(&self) -> [&str; 2] {
        let path = self.template.as_deref().unwrap_or_else(|| self.request.uri().path());
        [self.request.method().as_str(), path]
    }

    pub(crate) fn parts(&self) -> RequestParts<'_> {
        let uri = self.request.uri();
        RequestParts {
            method: self.request.method().as_str(),
            path: uri.path(),
            query: uri.query(),
            content_type: self.request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes),
            body: &self.body,
        }
    }
}
