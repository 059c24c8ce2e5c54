//! The operation of handlers in scopes, behind guards and below route macros.

use actix_web::http::Method;
use actix_web::test::init_service;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, Responder, guard, patch, post as post_route};
use idem_actix::idempotent;

use crate::support::{Runs, idempotency, method, post, send};

#[post_route("/payments/{id}")]
#[idempotent(ttl = "24h", scope = "global")]
async fn below_post(runs: Data<Runs>) -> impl Responder {
    runs.run()
}

#[patch("/payments/{id}")]
#[idempotent(ttl = "24h", scope = "global")]
async fn below_patch(runs: Data<Runs>) -> impl Responder {
    runs.run()
}

#[actix_web::routes]
#[post("/charges")]
#[put("/refunds")]
#[idempotent(ttl = "24h", scope = "global")]
async fn below_routes(runs: Data<Runs>) -> impl Responder {
    runs.run()
}

#[idempotent(ttl = "24h", scope = "global")]
async fn plain(runs: Data<Runs>) -> impl Responder {
    runs.run()
}

#[idempotent(ttl = "24h", scope = "global", operation = "named")]
async fn named(runs: Data<Runs>) -> impl Responder {
    runs.run()
}

fn routes(app: &mut ServiceConfig) {
    let json = guard::Header("content-type", "application/json");
    let shop = web::scope("/shops/{shop}").guard(guard::Header("host", "shop.test"));
    app.app_data(idempotency())
        .app_data(Data::new(Runs::default()))
        .service(below_post)
        .service(below_patch)
        .service(below_routes)
        .service(shop.service(below_post).route("/payments", web::post().to(plain)))
        .service(web::resource(["/old", "/new"]).route(web::post().to(plain)))
        .service(
            web::resource("/guarded")
                .route(web::post().guard(json).to(plain))
                .route(web::post().to(named)),
        )
        .default_service(web::post().to(plain));
}

#[actix_web::test]
async fn a_handler_below_a_route_macro_is_guarded() {
    let app = init_service(App::new().configure(routes)).await;
    for (method, path) in [
        (Method::POST, "/payments/1"),
        (Method::PATCH, "/payments/1"),
        (Method::POST, "/charges"),
        (Method::PUT, "/refunds"),
    ] {
        let first = send!(app, self::method(method.clone(), path));
        send!(app, self::method(method, path)).replays(first.executed(201));
    }
}

#[actix_web::test]
async fn one_pattern_is_one_operation() {
    let app = init_service(App::new().configure(routes)).await;
    send!(app, post("/payments/1")).executed(201);
    send!(app, post("/payments/2")).refused(422, "key-reused");
    send!(app, post("/old")).executed(201);
    send!(app, post("/new")).refused(422, "key-reused");
}

#[actix_web::test]
async fn a_scope_is_part_of_the_pattern_and_of_the_path() {
    let app = init_service(App::new().configure(routes)).await;
    let shop = |path: &str| post(path).insert_header(("host", "shop.test"));
    send!(app, post("/payments/1")).executed(201);
    let first = send!(app, shop("/shops/1/payments/1"));
    send!(app, shop("/shops/1/payments/1")).replays(first.executed(201));
    send!(app, shop("/shops/2/payments/1")).refused(422, "key-reused");
    send!(app, shop("/shops/1/payments")).executed(201);
}

#[actix_web::test]
async fn handlers_chosen_by_a_guard_are_separated_by_their_operation() {
    let app = init_service(App::new().configure(routes)).await;
    let json = || post("/guarded").insert_header(("content-type", "application/json"));
    let first = send!(app, json());
    send!(app, json()).replays(first.executed(201));
    let other = send!(app, post("/guarded"));
    send!(app, post("/guarded")).replays(other.executed(201));
}

#[actix_web::test]
async fn the_operation_of_a_default_service_is_its_path() {
    let app = init_service(App::new().configure(routes)).await;
    let first = send!(app, post("/nowhere"));
    send!(app, post("/nowhere")).replays(first.executed(201));
    send!(app, post("/elsewhere")).executed(201);
}
