//! The tools of the tests.

mod env;
mod history;
mod kind;
pub(crate) mod report;
mod request;
mod response;
mod server;
mod store_server;
mod suite;

pub(crate) use env::{IMPATIENT, TestEnv, proxy_before};
pub(crate) use history::Tally;
pub(crate) use kind::{Framework, Store};
pub(crate) use request::Request;
pub(crate) use response::{Problem, Response};
pub(crate) use server::{Counts, Program, Server};
pub(crate) use store_server::StoreServer;
pub(crate) use suite::{on_one_thread, row, rows};
