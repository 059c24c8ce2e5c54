//! What actix-web's users have and axum's do not: the attribute amid its routes, extractors and
//! responders. What both have is in the shared scenarios.

#![allow(missing_docs, clippy::unwrap_used)]

mod data;
mod encoding;
mod extractors;
mod limits;
mod responses;
mod routes;
mod support;
