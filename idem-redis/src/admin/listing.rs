//! Lists records with `SCAN`, on one primary after the other.
//!
//! A cursor of `SCAN` is valid only on the server process that returned it. If a primary was replaced or restarted, the
//! listing therefore starts again. A record whose slot moves to another node meanwhile can be missed.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use deadpool_redis::redis::{cmd, from_redis_value};
use futures_util::{StreamExt, stream};
use idem_core::store::{Cursor, Filter, Page, RecordId, StoreError, StoreErrorKind};
use tokio::time::Instant;

use super::find;
use super::position::Position;
use crate::conn::Connection;
use crate::error::UnexpectedReply;
use crate::health::Info;
use crate::scan_pace::SCAN_COUNT;
use crate::shared::Shared;

/// The time after which a page ends, although it is not full.
const PAGE_TIME: Duration = Duration::from_millis(500);

/// Number of records that are read concurrently.
const CONCURRENCY: usize = 16;

/// Returns the records from `after` on that match `filter`, up to `limit`.
pub(super) async fn page(
    shared: &Shared,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page, StoreError> {
    let connection = shared.connections.get().await?;
    let (nodes, topology) = nodes(&connection).await?;
    let position = after.as_ref().and_then(Position::from_cursor);
    let position = position.filter(|position| position.topology == topology);
    let mut position = position.unwrap_or(Position::start(topology));
    let digits = filter.starting_with.map(|prefix| prefix.to_string()).unwrap_or_default();
    let pattern = &*shared.keys.record_pattern(&digits);
    let (mut page, ends_at) = (Page::default(), Instant::now() + PAGE_TIME);
    loop {
        read_waiting(shared, &connection, filter, &mut position, &mut page, limit).await?;
        let node = usize::try_from(position.node).ok().and_then(|node| nodes.get(node));
        if node.is_none() && position.waiting.is_empty() {
            return Ok(page);
        }
        if page.records.len() == limit || Instant::now() >= ends_at {
            page.next = Some(position.to_cursor());
            return Ok(page);
        }
        if let Some(node) = node {
            shared.scans.turn().await;
            let (scan, ids) = scan(shared, &connection, node, pattern, position.scan).await?;
            position.waiting = ids.into();
            position.scan = scan;
            position.node += u64::from(scan == 0);
        }
    }
}

/// The addresses of the primaries in a fixed order, and a number that changes when one of them is replaced or restarted.
async fn nodes(connection: &Connection) -> Result<(Vec<String>, u64), StoreError> {
    let mut infos = connection.info().await?;
    infos.sort_unstable();
    let mut hasher = DefaultHasher::new();
    for (address, info) in &infos {
        (address, Info(info).run_id()).hash(&mut hasher);
    }
    Ok((infos.into_iter().map(|(address, _)| address).collect(), hasher.finish()))
}

/// Reads records that are waiting, until the page is full.
async fn read_waiting(
    shared: &Shared,
    connection: &Connection,
    filter: &Filter,
    position: &mut Position,
    page: &mut Page,
    limit: usize,
) -> Result<(), StoreError> {
    while !position.waiting.is_empty() && page.records.len() < limit {
        let count = (limit - page.records.len()).min(CONCURRENCY).min(position.waiting.len());
        let reads = position
            .waiting
            .drain(..count)
            .map(|id| async move { (id, find::record(shared, connection, id).await) });
        let read: Vec<_> = stream::iter(reads).buffered(CONCURRENCY).collect().await;
        for (id, found) in read {
            match found {
                Ok(found) => page.records.extend(found.filter(|found| filter.matches(found))),
                Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(%id, error, "a record cannot be read, and is not listed");
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Examines some keys of one node. Returns the next cursor, which is zero at the end, and the ids of records.
async fn scan(
    shared: &Shared,
    connection: &Connection,
    node: &str,
    pattern: &str,
    cursor: u64,
) -> Result<(u64, Vec<RecordId>), StoreError> {
    let mut scan = cmd("SCAN");
    scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(SCAN_COUNT);
    let reply = connection.send_to(node, scan).await?;
    let (cursor, keys): (u64, Vec<Vec<u8>>) =
        from_redis_value(reply).map_err(|_| StoreError::unknown(UnexpectedReply("SCAN")))?;
    Ok((cursor, keys.iter().filter_map(|key| shared.keys.parse_record(key)).collect()))
}
