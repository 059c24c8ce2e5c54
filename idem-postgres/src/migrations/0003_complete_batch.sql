-- {complete} for several runs. Returns the positions, from 1, of those that were changed. The rows are locked in the
-- order of the arguments. The plan must not depend on the numbers of runs and rows, as that of {claim_batch}.
CREATE FUNCTION {complete_batch}(
    IN ids bytea[], IN owners bytea[], IN fences bigint[], IN own_format smallint, IN states smallint[],
    IN retentions interval[], IN answers bytea[], IN quiets interval[], IN disputes bytea[], OUT ordinal bigint
) RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE SET lock_timeout = '500ms' SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS {body}
#variable_conflict use_column
DECLARE
    was_awaited boolean;
BEGIN
    FOR ordinal, was_awaited IN
        UPDATE {records} AS r SET
            format = own_format, state = c.state, answer = c.answer, expires_at = clock_timestamp() + c.retention,
            sweep_at = CASE WHEN c.retention + interval '1 s' < r.sweep_at - r.lease_until
                THEN clock_timestamp() + c.retention ELSE r.sweep_at END,
            unknown_reason = NULL, silent_since = NULL, lost_reason = NULL, lost_attempt = NULL
        FROM unnest(ids, owners, fences, states, retentions, answers) WITH ORDINALITY
            AS c (id, owner, fence, state, retention, answer, ordinal)
        WHERE r.id = c.id AND r.owner = c.owner AND r.fence = c.fence AND r.state IN (1, 4) AND c.state <> 4
            AND r.expires_at > clock_timestamp()
        RETURNING c.ordinal, r.awaited
    LOOP
        IF was_awaited THEN
            PERFORM pg_notify({channel}, encode(ids[ordinal], 'hex'));
        END IF;
        RETURN NEXT;
    END LOOP;
    -- Unknown outcomes.
    IF 4 = ANY (states) THEN
        RETURN QUERY
            SELECT c.ordinal
            FROM unnest(ids, owners, fences, states, retentions, answers, quiets, disputes) WITH ORDINALITY
                AS c (id, owner, fence, state, retention, answer, quiet, dispute, ordinal)
            WHERE c.state = 4 AND {complete}(
                c.id, c.owner, c.fence, own_format, c.state, c.retention, c.answer, c.quiet, c.dispute);
    END IF;
END
{body};
