-- Renews leases as their owner. A lapsed lease can be renewed if no other request took the record over. Returns
-- one row for each call, with its position from 1. `renewed` is NULL if another transaction has locked the
-- record: waiting for it would delay the other leases.
WITH calls AS MATERIALIZED (
    SELECT *
    FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::interval[], $5::interval[])
        WITH ORDINALITY AS calls (id, owner, fence, lease, hold, ordinal)
), free AS MATERIALIZED (
    SELECT records.id, calls.lease, calls.hold
    FROM calls JOIN {records} AS records USING (id, owner, fence)
    WHERE records.state = 1 AND records.expires_at > clock_timestamp()
    FOR UPDATE OF records SKIP LOCKED
), renewed AS (
    UPDATE {records} AS records SET
        lease_until = clock_timestamp() + free.lease,
        expires_at = clock_timestamp() + free.lease + free.hold
    FROM free WHERE records.id = free.id
    RETURNING records.id, records.owner, records.fence
)
SELECT calls.ordinal, CASE
    WHEN renewed.id IS NOT NULL THEN true
    WHEN NOT EXISTS (
        SELECT FROM {records} AS records
        WHERE records.id = calls.id AND records.owner = calls.owner AND records.fence = calls.fence
            AND records.state = 1 AND records.expires_at > clock_timestamp()
    ) THEN false
END AS renewed
FROM calls LEFT JOIN renewed
    ON renewed.id = calls.id AND renewed.owner = calls.owner AND renewed.fence = calls.fence
