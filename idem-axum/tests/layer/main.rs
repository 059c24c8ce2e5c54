//! The HTTP scenarios that all adapters share, with the layer in place of the attribute.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

mod app;
#[path = "../http/extract.rs"]
mod extract;
#[path = "../http/handlers.rs"]
#[allow(dead_code, reason = "the layer guards the plain functions")]
mod handlers;

use idem_testkit::http::exemptions::OF_LAYERS;

idem_testkit::http_suite!(app::start, except: OF_LAYERS);
