//! A handler in an app without an `Idempotency`. A test binary of its own: another test's thread
//! that reaches the log line first would have it switched off for every subscriber of one thread.

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
async fn nothing_runs_and_the_log_says_what_to_write() {
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
