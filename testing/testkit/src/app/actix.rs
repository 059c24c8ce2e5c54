//! Conversion into an actix-web response.

use actix_web::body::{BodyStream, BoxBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::{Reply, ReplyBody};

/// A reply as an actix-web response.
#[derive(Debug)]
pub struct HandlerReply(pub Reply);

impl Responder for HandlerReply {
    type Body = BoxBody;

    /// # Panics
    /// If the name of a header is invalid, as a script can request.
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let body = match self.0.body() {
            ReplyBody::Whole(body) => BoxBody::new(body),
            ReplyBody::Stream(chunks) => BoxBody::new(BodyStream::new(chunks)),
        };
        let Reply { status, headers, declared, pass_through, .. } = self.0;
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::with_body(status, body);
        for (name, value) in headers {
            let name = HeaderName::try_from(name).expect("a header name");
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().append(name, value);
            }
        }
        if let Some(outcome) = declared {
            response.extensions_mut().insert(outcome);
        }
        if let Some(pass_through) = pass_through {
            response.extensions_mut().insert(pass_through);
        }
        response
    }
}
