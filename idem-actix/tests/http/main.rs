//! The HTTP scenarios that all adapters share, over TCP on actix-web.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

mod app;
mod extract;
mod handlers;

idem_testkit::http_suite!(app::start);
