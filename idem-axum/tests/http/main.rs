//! The wire rules, over TCP: the scenarios that every adapter shares, on axum.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

mod app;
mod extract;
mod respond;

idem_testkit::http_suite!(app::start);
