//! The bare handler behind the middleware, on the memory store.

use actix_web::web::{ServiceConfig, scope};
use idem_actix::{Idempotency, IdempotencyMiddleware, MemoryStore};

use super::bare;
use crate::server::POLICY;

pub(in crate::server) fn routes() -> impl Fn(&mut ServiceConfig) + Clone {
    let store = MemoryStore::with_capacity(usize::MAX, usize::MAX);
    let middleware = IdempotencyMiddleware::new(Idempotency::new(store), &POLICY).global_scope();
    move |app| {
        app.service(scope("").wrap(middleware.clone()).configure(bare::routes));
    }
}
