//! The code blocks of the documentation, in files that are compiled.
//!
//! `tests/snippets.rs` fails unless every Rust block of the READMEs and of `docs/` occurs in a file of this
//! crate or of an example. A block with a program of its own is in `src/bin`, a test in `tests`.

#![allow(dead_code, clippy::unwrap_used, reason = "code to be read")]

mod actix;
mod application;
mod client;
mod client_program;
mod console;
pub mod documents;
mod functions;
mod layer;
mod layer_actix;
mod layer_service;
mod monitoring;
mod policies;
mod postgres;
mod records;
mod redis;
mod responses;
pub mod retrofit;
mod running;
mod stores;
mod unknown_outcomes;
mod unknown_results;
mod without_attribute;
