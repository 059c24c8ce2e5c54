//! The service with its own idempotency code.

use actix_web::error::{ErrorBadRequest, ErrorInternalServerError};
use actix_web::http::header::LOCATION;
use actix_web::web::{self, Data, Form, ReqData};
use actix_web::{Error, HttpResponse};
use idem_actix::postgres::sqlx::PgPool;

use super::by_hand::{self, Claimed, Key, claim, save_response};
use super::{NewIssue, UserId, publish_issue};

async fn publish(
    pool: Data<PgPool>,
    user: ReqData<UserId>,
    Form(issue): Form<NewIssue>,
) -> Result<HttpResponse, Error> {
    let key = Key::try_from(issue.idempotency_key.clone()).map_err(ErrorBadRequest)?;
    let mut tx = match claim(&pool, *user, &key).await.map_err(ErrorInternalServerError)? {
        Claimed::Run(tx) => tx,
        Claimed::Replay(response) => return Ok(response),
    };
    publish_issue(&mut tx, &issue).await.map_err(ErrorInternalServerError)?;
    let response = HttpResponse::SeeOther().insert_header((LOCATION, "/issues")).finish();
    save_response(tx, *user, &key, response).await.map_err(ErrorInternalServerError)
}

/// Adds the routes of the service.
pub fn configure(pool: PgPool) -> impl FnOnce(&mut web::ServiceConfig) {
    actix_web::rt::spawn(by_hand::delete_expired(pool.clone()));
    move |config| {
        config.app_data(Data::new(pool)).route("/issues", web::post().to(publish));
    }
}
