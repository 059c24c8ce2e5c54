//! The pages of a listing.

use std::collections::VecDeque;

use super::{RecordHandle, Records, RecordsError};
use crate::store::{Cursor, Filter, FoundRecord};

/// The number of records that a listing requests from the store in one call.
const PAGE: usize = 100;

/// The records that a filter selects. Made by [`Records::list`].
#[derive(Debug)]
pub struct Listing {
    records: Records,
    filter: Filter,
    page: VecDeque<FoundRecord>,
    next: Next,
}

#[derive(Debug)]
enum Next {
    First,
    After(Cursor),
    Nothing,
}

impl Listing {
    pub(super) const fn new(records: Records, filter: Filter) -> Self {
        Self { records, filter, page: VecDeque::new(), next: Next::First }
    }

    /// Returns the next record, or `None` after the last one.
    ///
    /// Cancel safe: no record is skipped.
    ///
    /// # Errors
    /// If the store does not reply. A later call tries again.
    pub async fn try_next(&mut self) -> Result<Option<RecordHandle>, RecordsError> {
        loop {
            if let Some(found) = self.page.pop_front() {
                return Ok(Some(self.records.handle(found)));
            }
            let after = match &self.next {
                Next::First => None,
                Next::After(cursor) => Some(cursor.clone()),
                Next::Nothing => return Ok(None),
            };
            let page = self.records.admin()?.list(self.filter.clone(), after, PAGE).await?;
            self.page = page.records.into();
            self.next = page.next.map_or(Next::Nothing, Next::After);
        }
    }
}
