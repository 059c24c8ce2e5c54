//! The selection of records, and their pages.

use std::time::Duration;

use bytes::Bytes;

use super::found::{FoundRecord, FoundState};
use super::prefix::RecordIdPrefix;

/// Selects records for [`RecordAdmin::list`](super::RecordAdmin::list).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Filter {
    /// Only records whose id begins with these digits.
    pub starting_with: Option<RecordIdPrefix>,
    /// Only records with an unknown outcome.
    pub only_unknown: bool,
    /// Only records of the operation with this name.
    pub operation: Option<Box<str>>,
    /// Only records whose [age](FoundRecord::age) is at least this.
    pub older_than: Duration,
}

impl Filter {
    /// Selects all records.
    pub fn all() -> Self {
        Self::default()
    }

    /// Selects records with an unknown outcome, including runs whose lease has ended.
    pub fn unknown() -> Self {
        Self { only_unknown: true, ..Self::default() }
    }

    /// Selects the records whose id begins with `prefix`. A store finds them without reading the others, except Redis, which
    /// goes through all its keys.
    #[must_use]
    pub const fn starting_with(mut self, prefix: RecordIdPrefix) -> Self {
        self.starting_with = Some(prefix);
        self
    }

    /// Selects the records of the operation with this name. Method and route template are separated by a space.
    #[must_use]
    pub fn operation(mut self, name: impl Into<Box<str>>) -> Self {
        self.operation = Some(name.into());
        self
    }

    /// Selects records whose [age](FoundRecord::age) is at least `age`.
    #[must_use]
    pub const fn older_than(mut self, age: Duration) -> Self {
        self.older_than = age;
        self
    }

    /// Whether a record is selected.
    pub fn matches(&self, record: &FoundRecord) -> bool {
        self.starting_with.is_none_or(|prefix| prefix.matches(record.id))
            && (!self.only_unknown || matches!(record.state, FoundState::Unknown(_)))
            && self.operation.as_deref().is_none_or(|name| record.extras.operation() == name)
            && record.age() >= self.older_than
    }
}

/// The position of a listing. Only the store that made it understands its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub Bytes);

/// Some of the listed records.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The records.
    pub records: Vec<FoundRecord>,
    /// Where the next page begins. `None` after the last page.
    pub next: Option<Cursor>,
}
