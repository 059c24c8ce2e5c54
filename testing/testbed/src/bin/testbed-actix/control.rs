//! The control endpoints.

use actix_web::web::{Data, Json, Query, ServiceConfig, get, post, resource};
use idem_actix::Idempotency;
use idem_testkit::app::Note;
use idem_testkit::app::actix::HandlerReply;
use testbed::control::{Advance, Behaviour, Control};

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.service(resource("/_test/effects").route(get().to(effects)))
        .service(resource("/_test/store").route(post().to(store)))
        .service(resource("/_test/clock").route(post().to(clock)))
        .service(resource("/_test/gate").route(post().to(gate)))
        .service(resource("/_test/logs").route(get().to(logs)))
        .service(resource("/_test/health").route(get().to(health)))
        .service(resource("/metrics").route(get().to(metrics)));
}

async fn effects(control: Data<Control>, Query(note): Query<Note>) -> HandlerReply {
    HandlerReply(control.effects(&note).await)
}

async fn store(control: Data<Control>, Json(behaviour): Json<Behaviour>) -> HandlerReply {
    HandlerReply(control.store(behaviour))
}

async fn clock(control: Data<Control>, Json(advance): Json<Advance>) -> HandlerReply {
    HandlerReply(control.advance(advance))
}

async fn gate(control: Data<Control>, Json(note): Json<Note>) -> HandlerReply {
    HandlerReply(control.open_gate(&note))
}

async fn logs(control: Data<Control>) -> HandlerReply {
    HandlerReply(control.logs())
}

async fn metrics(control: Data<Control>, idempotency: Data<Idempotency>) -> HandlerReply {
    HandlerReply(control.exporter.render(&idempotency).await)
}

async fn health(control: Data<Control>) -> HandlerReply {
    HandlerReply(control.health())
}
