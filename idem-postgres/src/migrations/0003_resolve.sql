-- Resolves an unknown outcome by hand, or evicts a record whose run has ended, and writes both a change and its
-- rejection to the audit log. Returns whether the record was changed.
--
-- resolution is complete, release, hold or evict. own_answer is the response of a completion, and own_retention
-- the time for which the record is kept. A record of a later format is not changed.
CREATE FUNCTION {resolve}(
    IN own_id bytea, IN expected_fence bigint, IN resolution text, IN own_format smallint, IN own_answer bytea,
    IN own_retention interval, IN entry_record bytea, IN entry_action text, IN entry_actor text,
    IN entry_reason text, IN entry_fence bigint, IN entry_state text, IN entry_digest bytea,
    OUT applied boolean
) LANGUAGE plpgsql VOLATILE SET lock_timeout = '500ms' SET search_path = pg_catalog, pg_temp AS {body}
#variable_conflict use_column
DECLARE
    existing   {records}%ROWTYPE;
    is_unknown boolean;
BEGIN
    SELECT * INTO existing FROM {records} AS r
    WHERE r.id = own_id AND r.expires_at > clock_timestamp() FOR UPDATE;
    is_unknown := existing.state = 4 OR existing.state = 1 AND existing.lease_until <= clock_timestamp();
    applied := coalesce(
        existing.fence = expected_fence AND existing.format <= own_format
            AND (is_unknown OR resolution = 'evict' AND existing.state <> 1),
        false
    );
    IF applied AND resolution IN ('release', 'evict') THEN
        DELETE FROM {records} AS r WHERE r.id = own_id;
    ELSIF applied THEN
        IF existing.format = 1 THEN
            -- The previous version of the store did not clear these columns.
            UPDATE {records} AS r SET
                operation = NULL, label = NULL, extras = '', silent_since = NULL, lost_reason = NULL,
                lost_attempt = NULL, unknown_reason = NULL, dispute = NULL
            WHERE r.id = own_id;
        END IF;
        IF resolution = 'hold' THEN
            -- The reason stays. A run whose lease has ended has crashed, and format 1 has no other reason than
            -- a run that timed out.
            own_answer := set_byte(decode('00', 'hex'), 0, CASE
                WHEN existing.state = 1 THEN 1
                WHEN existing.format = 1 THEN 2
                ELSE existing.unknown_reason
            END);
        END IF;
        applied := {complete}(
            own_id, existing.owner, existing.fence, own_format,
            CASE resolution WHEN 'hold' THEN 4::smallint ELSE 2::smallint END,
            own_retention, own_answer, interval '0', NULL
        );
        -- The old run is stale from now on.
        UPDATE {records} AS r
        SET fence = greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, r.fence + 1)
        WHERE r.id = own_id AND applied;
    END IF;
    IF applied THEN
        PERFORM pg_notify({channel}, encode(own_id, 'hex'));
    END IF;
    PERFORM {append_audit}(
        entry_record, entry_action, entry_actor, entry_reason, entry_fence, entry_state, entry_digest, applied
    );
END
{body};
