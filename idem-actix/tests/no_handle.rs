//! A handler in an app without an `Idempotency`. This test has its own binary. If the thread of another test
//! reached the log statement first, `tracing` would disable it for the subscriber of this test.

#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{self, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::{self, Data};
use actix_web::{App, Responder};
use idem_actix::idempotent;

#[idempotent(ttl = "24h", scope = "global")]
async fn pay(runs: Data<AtomicU32>) -> impl Responder {
    runs.fetch_add(1, Ordering::Relaxed);
    "paid"
}

/// Collects the log.
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

/// The response is a 500, even for a safe method, and the log names the missing line.
#[actix_web::test]
async fn the_handler_does_not_run_and_the_log_names_the_missing_line() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let runs = Data::new(AtomicU32::new(0));
    let app = App::new().app_data(runs.clone()).route("/pay", web::route().to(pay));
    let app = init_service(app).await;
    for method in [Method::POST, Method::GET] {
        let request = TestRequest::with_uri("/pay").insert_header(("idempotency-key", "k"));
        let response = call_service(&app, request.method(method).to_request()).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
    assert_eq!(runs.load(Ordering::Relaxed), 0);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches(".app_data(web::Data::new(idempotency.clone()))").count(), 2, "{log}");
}
