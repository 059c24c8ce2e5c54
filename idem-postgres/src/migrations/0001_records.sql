-- One row holds one record. It is written by its claim, changed once by its end, and deleted when it
-- expired. Half of each page is left free, so that the end of a run stays on the page of its claim and
-- touches no index.
CREATE TABLE {records} (
    id          bytea       NOT NULL PRIMARY KEY,
    created_at  timestamptz NOT NULL,
    lease_until timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    -- When the sweeper looks at it: not before this, and again until it expired. Indexed in place of
    -- expires_at, which every renewal and every end moves.
    sweep_at    timestamptz NOT NULL,
    fence       bigint      NOT NULL,
    attempt     integer     NOT NULL,
    format      smallint    NOT NULL, -- of fingerprint and answer
    state       smallint    NOT NULL, -- 1 running, 2 completed, 3 not retained, 4 unknown
    guarantee   smallint    NOT NULL, -- 1 at most once, 2 at least once
    rule        smallint    NOT NULL, -- that the fingerprint was made by; 0: not compared
    awaited     boolean     NOT NULL, -- a duplicate waits for its end, so it is notified
    owner       bytea       NOT NULL,
    fingerprint bytea       NOT NULL,
    answer      bytea       NOT NULL,
    scope       bytea -- whose quota it counts towards, if there is one
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

-- Answers are bytes to replay: never compressed.
ALTER TABLE {records} ALTER COLUMN answer SET STORAGE EXTERNAL;

CREATE INDEX {sweep_index} ON {records} (sweep_at);

CREATE INDEX {scope_index} ON {records} (scope) WHERE scope IS NOT NULL;

-- Claims a key, or reads what stands there, in one round trip (T1, T2, T10-T12, T15). Every statement in
-- it has a snapshot of its own, so what the insert met is seen by what follows.
--
-- own_lock is NULL for a claim that commits by itself. A claim that stays open in a transaction names its
-- lock, and waits for nobody: what another open transaction has claimed reads as running. Others wait for a
-- moment, since they may share their statement.
--
-- max_keys is NULL, or how many live keys own_scope may have (R41). New keys of a scope take turns, so that
-- the count is exact; a claim that stays open does not wait, and is counted once it is committed.
CREATE FUNCTION {claim}(
    IN own_id bytea, IN own_owner bytea, IN own_lease interval, IN own_ttl interval,
    IN own_format smallint, IN own_guarantee smallint, IN own_rule smallint, IN own_fingerprint bytea,
    IN max_attempts integer, IN own_lock bigint, IN own_scope bytea, IN max_keys integer,
    OUT scope_full boolean, OUT acquired boolean, OUT lapsed boolean, OUT fence bigint, OUT attempt integer, OUT format smallint,
    OUT state smallint, OUT rule smallint, OUT fingerprint bytea, OUT answer bytea
) LANGUAGE plpgsql VOLATILE SET lock_timeout = '500ms' AS $body$
#variable_conflict use_column
DECLARE
    standing {records}%ROWTYPE;
    own_now  timestamptz;
    own_turn boolean;
    counted  boolean := max_keys IS NULL;
BEGIN
    acquired := false;
    IF max_keys IS NOT NULL
        AND NOT EXISTS (SELECT FROM {records} AS r WHERE r.id = own_id AND r.expires_at > clock_timestamp())
        -- A run that is under way in another transaction is no new key.
        AND (own_lock IS NULL OR pg_try_advisory_xact_lock(own_lock))
    THEN
        counted := true;
        FOR look IN 1..2 LOOP
            IF look = 2 THEN -- not before the first: a scope that is full holds nobody up
                EXIT WHEN own_lock IS NOT NULL;
                PERFORM pg_advisory_xact_lock(hashtextextended(encode(own_scope, 'hex'), 2));
            END IF;
            scope_full := max_keys <= (
                SELECT count(*) FROM (
                    SELECT FROM {records} AS r
                    WHERE r.scope = own_scope AND r.expires_at > clock_timestamp() AND r.id <> own_id
                    LIMIT max_keys
                ) AS others
            ) AND NOT EXISTS (
                SELECT FROM {records} AS r WHERE r.id = own_id AND r.expires_at > clock_timestamp()
            );
            IF scope_full THEN
                RETURN;
            END IF;
        END LOOP;
    END IF;
    FOR round IN 1..10 LOOP
        own_turn := own_lock IS NULL OR pg_try_advisory_xact_lock(own_lock);
        IF own_turn THEN
            own_now := clock_timestamp();
            INSERT INTO {records} AS r (
                id, created_at, lease_until, expires_at, sweep_at, fence, attempt, format, state,
                guarantee, rule, awaited, owner, fingerprint, answer, scope
            ) VALUES (
                own_id, own_now, own_now + own_lease, own_now + own_lease + own_ttl,
                own_now + own_lease + own_ttl, (extract(epoch FROM own_now) * 1000000)::bigint, 1, own_format, 1,
                own_guarantee, own_rule, false, own_owner, own_fingerprint, '', own_scope
            ) ON CONFLICT (id) DO NOTHING RETURNING r.fence INTO fence;
            IF FOUND THEN
                IF NOT counted THEN
                    RAISE EXCEPTION 'the key was freed meanwhile' USING ERRCODE = 'serialization_failure';
                END IF;
                acquired := true;
                attempt := 1;
                RETURN;
            END IF;
        END IF;

        SELECT * INTO standing FROM {records} AS r WHERE r.id = own_id;
        IF NOT FOUND THEN
            CONTINUE WHEN own_turn; -- it went between the two
            state := 1;
            lapsed := false;
            RETURN;
        END IF;

        own_now := clock_timestamp();
        IF standing.expires_at > own_now AND standing.owner = own_owner AND standing.state = 1 THEN
            acquired := true;
            fence := standing.fence;
            attempt := standing.attempt;
            RETURN;
        END IF;

        lapsed := standing.lease_until <= own_now;
        IF standing.expires_at <= own_now OR (
            standing.state = 1 AND lapsed
            AND standing.guarantee = 2 AND own_guarantee = 2
            AND standing.attempt < max_attempts
            AND standing.rule = own_rule AND standing.fingerprint = own_fingerprint
        ) THEN
            IF NOT own_turn THEN
                state := 1;
                lapsed := false;
                RETURN;
            END IF;
            UPDATE {records} AS r SET
                lease_until = own_now + own_lease,
                expires_at = own_now + own_lease + own_ttl,
                sweep_at = own_now + own_lease + own_ttl,
                fence = greatest((extract(epoch FROM own_now) * 1000000)::bigint, r.fence + 1),
                attempt = CASE WHEN standing.expires_at <= own_now THEN 1 ELSE r.attempt + 1 END,
                format = own_format, state = 1, guarantee = own_guarantee, rule = own_rule,
                owner = own_owner, fingerprint = own_fingerprint, answer = '', scope = own_scope
            WHERE r.id = own_id AND r.owner = standing.owner AND r.fence = standing.fence
                AND r.state = standing.state AND r.expires_at = standing.expires_at
                AND r.lease_until = standing.lease_until
            RETURNING r.fence, r.attempt INTO fence, attempt;
            CONTINUE WHEN NOT FOUND; -- somebody else moved it
            acquired := true;
            RETURN;
        END IF;

        format := standing.format;
        state := standing.state;
        rule := standing.rule;
        fingerprint := standing.fingerprint;
        answer := standing.answer;
        RETURN;
    END LOOP;
    RAISE EXCEPTION 'the record changes faster than it can be claimed' USING ERRCODE = 'serialization_failure';
END
$body$;

-- Says how a run ended (T4, T6, T9), and whether the claim was current.
--
-- The indexed column stays as it is, so that the row stays on its page, unless the answer is kept for
-- less than the claim asked for (by more than a second, because clocks are read more than once).
CREATE FUNCTION {complete}(
    IN own_id bytea, IN own_owner bytea, IN own_fence bigint,
    IN own_format smallint, IN own_state smallint, IN own_ttl interval, IN own_answer bytea,
    OUT held boolean
) LANGUAGE plpgsql VOLATILE SET lock_timeout = '500ms' AS $body$
#variable_conflict use_column
DECLARE
    was_awaited boolean;
BEGIN
    UPDATE {records} AS r SET
        format = own_format, state = own_state, answer = own_answer,
        expires_at = clock_timestamp() + own_ttl,
        sweep_at = CASE
            WHEN own_ttl + interval '1 s' < sweep_at - lease_until THEN clock_timestamp() + own_ttl
            ELSE sweep_at
        END
    WHERE r.id = own_id AND r.owner = own_owner AND r.fence = own_fence AND r.state IN (1, 4)
        AND r.expires_at > clock_timestamp()
    RETURNING r.awaited INTO was_awaited;
    held := FOUND;
    IF was_awaited THEN
        PERFORM pg_notify({channel}, encode(own_id, 'hex'));
    END IF;
END
$body$;
