//! The `idem` command on real servers.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod auditing;
mod changing;
mod command;
mod console;
mod explaining;
mod finding;
mod killed;
mod operating;
mod service;
