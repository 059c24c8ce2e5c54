//! The rules of the console, without a browser.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod records;
mod resolving;
mod rights;
mod searching;
mod service;
