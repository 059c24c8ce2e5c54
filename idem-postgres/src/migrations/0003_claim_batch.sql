-- {claim} for several keys without a quota. Returns one row for each key, with its position from 1.
--
-- One statement reads the completed records and inserts the new ones, which takes half the time of a call of
-- {claim} for each key. The other keys have a run, an unknown outcome or an expired record, and {claim} decides.
-- The arguments are sorted by key and the rows are inserted in this order, so that concurrent calls do not deadlock.
--
-- The plan must not depend on the numbers of keys and rows: a plan for an empty table would read all of it.
CREATE FUNCTION {claim_batch}(
    IN ids bytea[], IN owners bytea[], IN leases interval[], IN holds interval[], IN ttls interval[],
    IN guarantees smallint[], IN rules smallint[], IN fingerprints bytea[], IN max_attempts integer[],
    IN operations text[], IN labels bytea[], IN extras bytea[], IN own_format smallint, IN own_timeout interval,
    OUT ordinal bigint, OUT scope_full boolean, OUT acquired boolean, OUT fence bigint, OUT attempt integer,
    OUT lost_reason smallint, OUT lost_attempt integer, OUT silent_for bigint, OUT lease_left bigint,
    OUT format smallint, OUT state smallint, OUT guarantee smallint, OUT rule smallint, OUT fingerprint bytea,
    OUT answer bytea
) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SET lock_timeout = '500ms' SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS {body}
#variable_conflict use_column
BEGIN
    FOR ordinal, acquired, fence, attempt, scope_full, lost_reason, lost_attempt, silent_for, lease_left, format, state,
        guarantee, rule, fingerprint, answer
    IN
        WITH calls AS MATERIALIZED (
            SELECT c.*, r.format AS old_format, r.state, r.guarantee AS old_guarantee, r.rule AS old_rule,
                r.fingerprint AS old_fingerprint, r.answer
            FROM unnest(ids, owners, leases, holds, ttls, guarantees, rules, fingerprints, operations, labels, extras)
                WITH ORDINALITY
                AS c (id, owner, lease, hold, ttl, guarantee, rule, fingerprint, operation, label, extras, ordinal)
            -- OFFSET keeps the planner from joining in another order.
            LEFT JOIN LATERAL (
                SELECT * FROM {records} AS r
                WHERE r.id = c.id AND r.state IN (2, 3) AND r.expires_at > clock_timestamp() OFFSET 0
            ) AS r ON true
        ), created AS (
            INSERT INTO {records} AS r (
                id, created_at, lease_until, expires_at, sweep_at, fence, attempt, format, state, guarantee, rule,
                awaited, owner, fingerprint, answer, operation, label, extras
            )
            SELECT id, own_now, own_now + lease, own_now + lease + hold, own_now + lease + ttl,
                (extract(epoch FROM own_now) * 1000000)::bigint, 1, own_format, 1, c.guarantee, c.rule,
                false, owner, c.fingerprint, '', operation, label, extras
            FROM (SELECT calls.*, clock_timestamp() AS own_now FROM calls WHERE old_format IS NULL) AS c
            ON CONFLICT (id) DO NOTHING RETURNING r.id, r.owner, r.fence
        )
        SELECT c.ordinal,
            CASE WHEN created.fence IS NOT NULL THEN true WHEN old_format IS NOT NULL THEN false END,
            created.fence, 1, NULL::boolean, NULL::smallint, NULL::integer, NULL::bigint, 0, old_format, c.state,
            old_guarantee, old_rule, old_fingerprint, c.answer
        FROM calls AS c LEFT JOIN created ON created.id = c.id AND created.owner = c.owner
    LOOP
        IF acquired IS NULL THEN
            SELECT claimed.* FROM {claim}(
                ids[ordinal], owners[ordinal], leases[ordinal], holds[ordinal], ttls[ordinal], own_format,
                guarantees[ordinal], rules[ordinal], fingerprints[ordinal], max_attempts[ordinal],
                operations[ordinal], labels[ordinal], extras[ordinal], NULL, NULL, NULL, own_timeout
            ) AS claimed
            INTO scope_full, acquired, fence, attempt, lost_reason, lost_attempt, silent_for, lease_left, format, state,
                guarantee, rule, fingerprint, answer; -- in the order of its columns
        END IF;
        RETURN NEXT;
    END LOOP;
    -- The claims wait for other transactions. They are undone if their callers may have given up.
    IF clock_timestamp() > statement_timestamp() + own_timeout THEN
        RAISE EXCEPTION 'the claims waited longer than %', own_timeout USING ERRCODE = 'query_canceled';
    END IF;
END
{body};
