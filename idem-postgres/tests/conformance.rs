//! The conformance suite, on a server of its own.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod harness;

use idem_testkit::servers::{PostgresServer, Shared};

use harness::{Connect, Harness};

static SERVER: Shared<PostgresServer> =
    Shared::new(|| PostgresServer::start(&["max_connections=1000"]));

struct Direct;

impl Connect for Direct {
    fn server() -> &'static PostgresServer {
        &SERVER
    }
}

idem_conformance::store_suite!(Harness<Direct>);
idem_conformance::admin_suite!(Harness<Direct>, with: wakeups);
idem_conformance::quota_suite!(Harness<Direct>);
idem_conformance::wakeup_suite!(Harness<Direct>);
idem_conformance::delete_suite!(Harness<Direct>);
