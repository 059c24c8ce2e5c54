//! The `idem` command on real servers.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod changing;
mod finding;
mod operating;
mod service;
