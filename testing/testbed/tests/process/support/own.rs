//! A store's server that one test has to itself, because it harms it.

use idem_testkit::servers::{PostgresServer, RedisServer};

use super::Store;

/// Keeps what it acknowledged.
const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

pub(crate) enum OwnServer {
    Redis(RedisServer),
    Postgres(PostgresServer),
}

impl OwnServer {
    pub(crate) fn start(store: Store) -> Self {
        match store {
            Store::Memory => panic!("the store in memory has no server"),
            Store::Redis => Self::Redis(RedisServer::start(&DURABLE)),
            Store::Postgres => Self::Postgres(PostgresServer::start(&["max_connections=300"])),
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Redis(server) => server.url(),
            Self::Postgres(server) => server.url(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Redis(server) => server.port(),
            Self::Postgres(server) => server.port(),
        }
    }

    /// Kills it and starts it again.
    pub(crate) fn restart(&mut self) {
        match self {
            Self::Redis(server) => server.restart(),
            Self::Postgres(server) => {
                server.stop_immediately();
                server.restart();
            }
        }
    }

    /// Stops it where it is.
    pub(crate) fn pause(&self) {
        match self {
            Self::Redis(server) => server.pause(),
            Self::Postgres(server) => server.pause(),
        }
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        match self {
            Self::Redis(server) => server.resume(),
            Self::Postgres(server) => server.resume(),
        }
    }
}
