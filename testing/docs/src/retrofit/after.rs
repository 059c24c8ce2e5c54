//! The service with idem.

use actix_web::error::ErrorInternalServerError;
use actix_web::http::header::LOCATION;
use actix_web::web::{self, Data, Form, ReqData};
use actix_web::{Error, HttpResponse};
use idem_actix::{Idempotency, Tx, idempotent};

use super::{NewIssue, UserId, publish_issue};

#[idempotent(ttl = "48h", scope = "user.0", key = "issue.idempotency_key")]
async fn publish(
    mut tx: Tx,
    user: ReqData<UserId>,
    Form(issue): Form<NewIssue>,
) -> Result<HttpResponse, Error> {
    publish_issue(&mut tx, &issue).await.map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, "/issues")).finish())
}

/// Adds the routes of the service.
pub fn configure(idempotency: Idempotency) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config.app_data(Data::new(idempotency)).route("/issues", web::post().to(publish));
    }
}
