//! Finds one record.

use bytes::Bytes;
use deadpool_redis::redis::Value;
use idem_core::state_machine::Slot;
use idem_core::store::{FoundRecord, RecordId, State, StoreError, Timestamp};

use crate::conn::Connection;
use crate::error::UnexpectedReply;
use crate::shared::Shared;
use crate::value;

/// Returns the unexpired record of an id, without reading its body.
pub(super) async fn record(
    shared: &Shared,
    connection: &Connection,
    id: RecordId,
) -> Result<Option<FoundRecord>, StoreError> {
    let unexpected = || StoreError::unknown(UnexpectedReply("find.lua"));
    let key = shared.keys.record(id);
    let parts = match shared.scripts.find.run(connection, &key, 0, |_| ()).await? {
        Value::Nil => return Ok(None),
        Value::Array(parts) => <[Value; 4]>::try_from(parts).map_err(|_| unexpected())?,
        _ => return Err(unexpected()),
    };
    let [Value::BulkString(head), Value::Int(lease_left), Value::Int(left), Value::Int(now)] =
        parts
    else {
        return Err(unexpected());
    };
    let after =
        |ms: i64| Timestamp(now.saturating_add(ms.saturating_mul(1000)).max(0).cast_unsigned());
    let record = value::record_head(&Bytes::from(head))?;
    let lease_until = match record.state {
        // Version 1 has no quiet time. The end of the run is not known, and its claim is the nearest time before it.
        State::Unknown(_) if lease_left == left => Timestamp(record.token.0),
        _ => after(lease_left),
    };
    let slot = Slot { record, lease_until, expires_at: after(left) };
    Ok(Some(FoundRecord::new(id, &slot, after(0))))
}
