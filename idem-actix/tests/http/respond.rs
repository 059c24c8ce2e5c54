//! Conversion of a handler's reply to an actix-web response.

use actix_web::body::{BodyStream, BoxBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Responder};
use idem_testkit::http::app::{Reply, ReplyBody};

/// The reply that a scenario asks its handler for.
pub(crate) struct HandlerReply(pub(crate) Reply);

impl Responder for HandlerReply {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let Reply { status, headers, body, declared } = self.0;
        let body = match body {
            ReplyBody::Whole(bytes) => BoxBody::new(bytes),
            ReplyBody::Stream(stream) => BoxBody::new(BodyStream::new(stream)),
        };
        let mut response = HttpResponse::with_body(StatusCode::from_u16(status).unwrap(), body);
        for (name, value) in headers {
            let name = HeaderName::try_from(name).unwrap();
            response.headers_mut().append(name, HeaderValue::try_from(value).unwrap());
        }
        if let Some(outcome) = declared {
            response.extensions_mut().insert(outcome);
        }
        response
    }
}
