//! Converts a reply into an actix-web response.

use actix_web::body::{BodyStream, BoxBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Responder};
use idem_testkit::http::app::ReplyBody;
use testbed::reply::Reply;

pub(crate) struct Replied(pub(crate) Reply);

impl Responder for Replied {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let body = match self.0.body() {
            ReplyBody::Whole(body) => BoxBody::new(body),
            ReplyBody::Stream(pieces) => BoxBody::new(BodyStream::new(pieces)),
        };
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::with_body(status, body);
        for (name, value) in self.0.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().append(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
