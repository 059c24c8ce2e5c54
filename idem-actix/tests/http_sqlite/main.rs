//! The HTTP scenarios that all adapters share, on actix-web with the SQLite store.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

#[path = "../http/app.rs"]
mod app;
#[path = "../http/extract.rs"]
mod extract;
#[path = "../http/handlers.rs"]
mod handlers;

use idem_actix::SqliteStore;
use idem_testkit::http::{Records, STORE_TIMEOUT};
use idem_testkit::servers::SqliteFile;

/// Opens a store on a file of its own. Moving the clock of the file has the same effect as a wall clock that moves.
async fn records() -> Records {
    let file = SqliteFile::new();
    let store = SqliteStore::builder().wait_timeout(STORE_TIMEOUT).open(file.path());
    let store = store.await.unwrap();
    Records::new(store, move |by| file.advance(by))
}

idem_testkit::http_suite!(app::start, on: records);
