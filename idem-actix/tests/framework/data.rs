//! The handle comes with the app's data.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use actix_web::http::Method;
use actix_web::test::init_service;
use actix_web::web::{self, Data};
use actix_web::{App, Responder};
use idem_actix::idempotent;

use crate::support::{Runs, idempotency, method, post, send};

#[idempotent(ttl = "24h", scope = "global")]
async fn pay(runs: Data<Runs>) -> impl Responder {
    runs.run()
}

/// Takes what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A 500, even where nothing would be guarded, and a line that says what to write.
#[actix_web::test]
async fn without_a_handle_nothing_runs() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer({
        let log = log.clone();
        move || log.clone()
    });
    let _logging = tracing::subscriber::set_default(subscriber.finish());
    let runs = Data::new(Runs::default());
    let app = App::new().app_data(runs.clone()).route("/pay", web::route().to(pay));
    let app = init_service(app).await;
    send!(app, post("/pay")).executed(500);
    send!(app, method(Method::GET, "/pay")).executed(500);
    assert_eq!(runs.count(), 1, "the test's own");
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches(".app_data(web::Data::new(idempotency.clone()))").count(), 2, "{log}");
}

/// As with all of the app's data, the innermost counts.
#[actix_web::test]
async fn a_scope_may_have_a_handle_of_its_own() {
    let scope = web::scope("/own").app_data(idempotency()).route("/pay", web::post().to(pay));
    let app = App::new().app_data(Data::new(Runs::default())).service(scope);
    let app = init_service(app.route("/pay", web::post().to(pay))).await;
    let first = send!(app, post("/own/pay"));
    send!(app, post("/own/pay")).replays(first.executed(201));
    send!(app, post("/pay")).executed(500);
}
