//! The control endpoints.

use actix_web::web::{Data, Json, Query, ServiceConfig, get, post, resource};
use testbed::control::{Advance, Behaviour, Control};
use testbed::payment::Note;

use crate::respond::Replied;

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.service(resource("/_test/effects").route(get().to(effects)))
        .service(resource("/_test/store").route(post().to(store)))
        .service(resource("/_test/clock").route(post().to(clock)))
        .service(resource("/_test/gate").route(post().to(gate)))
        .service(resource("/_test/logs").route(get().to(logs)))
        .service(resource("/_test/health").route(get().to(health)));
}

async fn effects(control: Data<Control>, Query(note): Query<Note>) -> Replied {
    Replied(control.effects(&note).await)
}

async fn store(control: Data<Control>, Json(behaviour): Json<Behaviour>) -> Replied {
    Replied(control.store(behaviour))
}

async fn clock(control: Data<Control>, Json(advance): Json<Advance>) -> Replied {
    Replied(control.advance(advance))
}

async fn gate(control: Data<Control>, Json(note): Json<Note>) -> Replied {
    Replied(control.open_gate(&note))
}

async fn logs(control: Data<Control>) -> Replied {
    Replied(control.logs())
}

async fn health(control: Data<Control>) -> Replied {
    Replied(control.health())
}
