//! The guide's chapter on the layer, as a middleware of actix-web.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use idem_actix::{Idempotency, IdempotencyMiddleware};

use crate::layer::{FORWARD, Tenant};

fn routes(app: &mut ServiceConfig, idempotency: &Idempotency) {
    let guard =
        IdempotencyMiddleware::new(idempotency.clone(), &FORWARD).scope_from_extension::<Tenant>();
    app.service(web::scope("/proxy").wrap(guard).route("/{rest:.*}", web::to(forward)));
}

async fn forward() -> impl Responder {
    HttpResponse::Ok()
}
