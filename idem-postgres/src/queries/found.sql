-- Reads unexpired records for administrators, without their responses. `head` is the status of a response or the
-- reason of an unknown outcome. The server reads no more of a large response than its first part.
SELECT id, fence, attempt, format, state, guarantee, operation, label, extras, silent_since, lost_reason,
       lost_attempt, dispute, substring(answer FROM 1 FOR 2) AS head,
       least(9e18, extract(epoch FROM lease_until) * 1000000)::bigint AS lease_until,
       least(9e18, extract(epoch FROM expires_at) * 1000000)::bigint AS expires_at,
       (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now
FROM {records}
WHERE id = ANY ($1) AND expires_at > clock_timestamp()
ORDER BY id
