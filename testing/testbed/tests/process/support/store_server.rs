//! A store server for one test that disturbs it.

use idem_testkit::servers::{PostgresServer, RedisServer};

use super::Store;

/// The settings under which Redis keeps acknowledged writes.
const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

pub(crate) enum StoreServer {
    Redis(RedisServer),
    Postgres(PostgresServer),
}

impl StoreServer {
    pub(crate) fn start(store: Store) -> Self {
        match store {
            Store::Memory | Store::Sqlite => panic!("the store {store} has no server"),
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

    /// Kills the server and starts it again.
    pub(crate) fn restart(&mut self) {
        match self {
            Self::Redis(server) => server.restart(),
            Self::Postgres(server) => {
                server.stop_immediately();
                server.restart();
            }
        }
    }

    /// Pauses the server.
    pub(crate) fn pause(&self) {
        match self {
            Self::Redis(server) => server.pause(),
            Self::Postgres(server) => server.pause(),
        }
    }

    /// Resumes the server.
    pub(crate) fn resume(&self) {
        match self {
            Self::Redis(server) => server.resume(),
            Self::Postgres(server) => server.resume(),
        }
    }
}
