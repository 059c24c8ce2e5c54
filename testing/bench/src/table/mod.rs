//! The tables of the guide: every variant on every store, in one alternating run.

mod machine;
mod measure;
mod report;

pub use machine::description;
pub use measure::{Bench, Sample};
pub use report::{COLUMNS, Column, GROWTH, render};

use crate::load::{Keys, Load};
use crate::stores::{Memory, Postgres, Redis, Sqlite, Store};

/// A row of the tables.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The first cell of the row.
    pub name: &'static str,
    /// The name that the program serves.
    serve: &'static str,
    program: Program,
    store: StoreKind,
}

/// The program that contains the server of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    /// This one.
    Own,
    /// The workspace `testing/peers`.
    Peers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StoreKind {
    None,
    Memory,
    Redis,
    Postgres,
    Sqlite,
}

use Program::{Own, Peers};

/// Every variant.
#[rustfmt::skip]
pub const VARIANTS: [Variant; 19] = [
    variant("bare axum", Own, "bare-axum", StoreKind::None),
    variant("bare actix-web", Own, "bare-actix", StoreKind::None),
    variant("memory, by hand on axum", Own, "by-hand-axum", StoreKind::Memory),
    variant("memory, by hand on actix-web", Own, "by-hand-actix", StoreKind::Memory),
    variant("memory, idempotent 0.3", Peers, "idempotent-0.3-memory", StoreKind::Memory),
    variant("memory, idempotent 2.0", Peers, "idempotent-2.0-memory", StoreKind::Memory),
    variant("memory, idem on axum", Own, "annotated-axum", StoreKind::Memory),
    variant("memory, idem on actix-web", Own, "annotated-actix", StoreKind::Memory),
    variant("memory, idem layer on axum", Own, "layered-axum", StoreKind::Memory),
    variant("Redis, by hand", Own, "by-hand-redis-axum", StoreKind::Redis),
    variant("Redis, idempotent 0.3", Peers, "idempotent-0.3-redis", StoreKind::Redis),
    variant("Redis, idempotent 2.0", Peers, "idempotent-2.0-redis", StoreKind::Redis),
    variant("Redis, idem on axum", Own, "annotated-redis-axum", StoreKind::Redis),
    variant("Redis, idem on actix-web", Own, "annotated-redis-actix", StoreKind::Redis),
    variant("Postgres, by hand", Own, "by-hand-postgres-axum", StoreKind::Postgres),
    variant("Postgres, idem on axum", Own, "annotated-postgres-axum", StoreKind::Postgres),
    variant("Postgres, idem on actix-web", Own, "annotated-postgres-actix", StoreKind::Postgres),
    variant("SQLite, idem on axum", Own, "annotated-sqlite-axum", StoreKind::Sqlite),
    variant("SQLite, idem on actix-web", Own, "annotated-sqlite-actix", StoreKind::Sqlite),
];

const fn variant(
    name: &'static str,
    program: Program,
    serve: &'static str,
    store: StoreKind,
) -> Variant {
    Variant { name, serve, program, store }
}

impl StoreKind {
    /// Starts a fresh server.
    fn start(self) -> Box<dyn Store> {
        match self {
            Self::None | Self::Memory => Box::new(Memory::start()),
            Self::Redis => Box::new(Redis::start()),
            Self::Postgres => Box::new(Postgres::start()),
            Self::Sqlite => Box::new(Sqlite::start()),
        }
    }

    /// Whether the load may keep its core awake. The kernel writes to disk on that core too, and a load with real-time
    /// priority would delay these writes.
    fn allows_spinning(self) -> bool {
        !matches!(self, Self::Postgres | Self::Sqlite)
    }
}

/// A table, with some columns for each of its cases.
#[derive(Clone, Debug)]
pub struct Table {
    /// The heading of the table.
    pub title: &'static str,
    /// The cases, from left to right.
    pub cases: Vec<Case>,
}

/// A load on a server.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The words before the headings of its columns.
    pub heading: &'static str,
    /// The number of keys that are stored before the measurement and then repeated. 0 means that every request has a new
    /// key.
    stored: usize,
    connections: usize,
    body: usize,
    columns: &'static [Column],
}

/// Returns every table.
pub fn tables() -> [Table; 4] {
    let (first, replay) = (Case::new("First", 0), Case::new("Replay", 32));
    let one = Case { connections: 1, ..replay };
    let few_keys = Case { columns: &COLUMNS[..2], ..Case::new("1,000 keys", 1_000) };
    let many_keys = Case { columns: &GROWTH, ..Case::new("100,000 keys", 100_000) };
    let large = |heading, body| Case { heading, body, ..replay };
    [
        Table { title: "32 connections, 1 KiB", cases: vec![first, replay] },
        Table {
            title: "One connection, 1 KiB",
            cases: vec![Case { connections: 1, ..first }, Case { stored: 1, ..one }],
        },
        Table {
            title: "Replays of larger bodies, 32 connections",
            cases: vec![large("16 KiB", 16 << 10), large("64 KiB", 64 << 10)],
        },
        Table {
            title: "Replays with many keys, 32 connections, 1 KiB",
            cases: vec![few_keys, many_keys],
        },
    ]
}

impl Case {
    const fn new(heading: &'static str, stored: usize) -> Self {
        Self { heading, stored, connections: 32, body: 1 << 10, columns: &COLUMNS }
    }

    fn load(&self) -> Load {
        let keys = match self.stored {
            0 => Keys::Fresh,
            stored => Keys::Repeated(stored.div_ceil(self.connections)),
        };
        Load { connections: self.connections, keys, body: self.body }
    }
}
