-- T4, T6, T9: the owner says how it ended; a late owner may still resolve an unknown outcome.
--
-- The indexed column stays as it is, so that the row stays on its page, unless the answer is kept for
-- less than the claim asked for: ($7 is $6 and a second, because clocks are read more than once).
UPDATE {records} SET
    format = $4::smallint, state = $5, answer = $8,
    expires_at = clock_timestamp() + $6,
    sweep_at = CASE WHEN $7 < sweep_at - lease_until THEN clock_timestamp() + $6 ELSE sweep_at END
WHERE id = $1 AND owner = $2 AND fence = $3 AND state IN (1, 4) AND expires_at > clock_timestamp()
RETURNING CASE WHEN awaited THEN pg_notify({channel}, encode(id, 'hex'))::text END
