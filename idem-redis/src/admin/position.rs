//! The position of a listing, as its cursor contains it.

use std::collections::VecDeque;

use idem_core::store::{Cursor, RecordId};

const ID_LEN: usize = 32;

/// The position of a listing.
pub(super) struct Position {
    /// Identifies the nodes that are listed.
    pub(super) topology: u64,
    /// The index of the node that is listed, or the number of nodes at the end.
    pub(super) node: u64,
    /// The cursor of the next `SCAN` on this node.
    pub(super) scan: u64,
    /// The records that earlier scans returned, and that no page contains yet.
    pub(super) waiting: VecDeque<RecordId>,
}

impl Position {
    pub(super) const fn start(topology: u64) -> Self {
        Self { topology, node: 0, scan: 0, waiting: VecDeque::new() }
    }

    pub(super) fn to_cursor(&self) -> Cursor {
        let numbers = [self.topology, self.node, self.scan];
        let numbers = numbers.into_iter().flat_map(u64::to_be_bytes);
        let ids = self.waiting.iter().flat_map(|id| *id.as_bytes());
        Cursor(numbers.chain(ids).collect())
    }

    /// Returns `None` if the bytes are not those of a position.
    pub(super) fn from_cursor(Cursor(bytes): &Cursor) -> Option<Self> {
        let (topology, rest) = bytes.split_first_chunk()?;
        let (node, rest) = rest.split_first_chunk()?;
        let (scan, rest) = rest.split_first_chunk()?;
        let (ids, []) = rest.as_chunks::<ID_LEN>() else { return None };
        Some(Self {
            topology: u64::from_be_bytes(*topology),
            node: u64::from_be_bytes(*node),
            scan: u64::from_be_bytes(*scan),
            waiting: ids.iter().map(|id| RecordId::from_bytes(*id)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn cursor_contains_the_position() {
        let waiting = [1, 2].map(|byte| RecordId::from_bytes([byte; ID_LEN])).into();
        let position = Position { topology: u64::MAX, node: 2, scan: 1 << 60, waiting };
        let cursor = position.to_cursor();
        let read = Position::from_cursor(&cursor).unwrap();
        assert_eq!((read.topology, read.node, read.scan), (u64::MAX, 2, 1 << 60));
        assert_eq!(read.waiting, position.waiting);
        let truncated = Cursor(cursor.0.slice(..cursor.0.len() - 1));
        assert!(Position::from_cursor(&truncated).is_none());
        assert!(Position::from_cursor(&Cursor(bytes::Bytes::new())).is_none());
    }
}
