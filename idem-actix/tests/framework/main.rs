//! The attribute with features that only actix-web has: its routes, extractors and responders. The shared
//! scenarios cover everything else.

#![allow(missing_docs, clippy::unwrap_used)]

mod data;
mod encoding;
mod extractors;
mod limits;
mod responses;
mod routes;
mod support;
