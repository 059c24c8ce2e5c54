-- One row is one record. A claim inserts it, a completion updates it once, and the sweeper deletes it after it
-- has expired. Half of each page is left free, so that the completion stays on the page of its claim and
-- touches no index (a HOT update).
CREATE TABLE {records} (
    id          bytea       NOT NULL PRIMARY KEY,
    created_at  timestamptz NOT NULL,
    lease_until timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    -- The earliest time at which the sweeper reads the record. It is indexed in place of expires_at, because
    -- every renewal and completion changes expires_at.
    sweep_at    timestamptz NOT NULL,
    fence       bigint      NOT NULL,
    attempt     integer     NOT NULL,
    format      smallint    NOT NULL, -- the version of the format of fingerprint and answer
    state       smallint    NOT NULL, -- 1 running, 2 completed, 3 not retained, 4 unknown
    guarantee   smallint    NOT NULL, -- 1 at most once, 2 at least once
    rule        smallint    NOT NULL, -- the version of the fingerprint rule; 0: no fingerprint
    awaited     boolean     NOT NULL, -- whether a duplicate waits, so that the end is notified
    owner       bytea       NOT NULL,
    fingerprint bytea       NOT NULL,
    answer      bytea       NOT NULL,
    scope       bytea -- the scope whose quota the record counts towards, or NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

-- Responses are stored as the bytes that are replayed, without compression.
ALTER TABLE {records} ALTER COLUMN answer SET STORAGE EXTERNAL;

CREATE INDEX {sweep_index} ON {records} (sweep_at);

CREATE INDEX {scope_index} ON {records} (scope) WHERE scope IS NOT NULL;

-- Claims a key, or returns the existing record, in one round trip. Each statement of the function has its own
-- snapshot, so the SELECT sees the row that the INSERT conflicted with.
--
-- own_lock is NULL for a claim that commits by itself. A claim in a transaction that stays open passes the
-- advisory lock of its key and never waits for the key: a key that another open transaction has claimed reads
-- as running. A claim that commits by itself waits for such a row up to the lock_timeout, which is short
-- because other claims can share its statement.
--
-- max_keys is the maximum number of live keys of own_scope, or NULL for no quota. The new keys of a scope are
-- counted one after the other under an advisory lock, so that the count is exact. A claim in a transaction
-- that stays open does not take that lock, and its key is counted after it is committed.
CREATE FUNCTION {claim_1}(
    IN own_id bytea, IN own_owner bytea, IN own_lease interval, IN own_ttl interval,
    IN own_format smallint, IN own_guarantee smallint, IN own_rule smallint, IN own_fingerprint bytea,
    IN max_attempts integer, IN own_lock bigint, IN own_scope bytea, IN max_keys integer,
    OUT scope_full boolean, OUT acquired boolean, OUT lapsed boolean, OUT fence bigint, OUT attempt integer, OUT format smallint,
    OUT state smallint, OUT rule smallint, OUT fingerprint bytea, OUT answer bytea
) LANGUAGE plpgsql VOLATILE SET lock_timeout = '500ms' AS {body}
#variable_conflict use_column
DECLARE
    existing {records}%ROWTYPE;
    own_now  timestamptz;
    has_lock boolean;
    counted  boolean := max_keys IS NULL;
BEGIN
    acquired := false;
    IF max_keys IS NOT NULL
        AND NOT EXISTS (SELECT FROM {records} AS r WHERE r.id = own_id AND r.expires_at > clock_timestamp())
        -- A key that another open transaction has claimed is not a new key.
        AND (own_lock IS NULL OR pg_try_advisory_xact_lock(own_lock))
    THEN
        counted := true;
        FOR pass IN 1..2 LOOP
            -- The first pass rejects a full scope without waiting for the lock.
            IF pass = 2 THEN
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
    FOR try IN 1..10 LOOP
        has_lock := own_lock IS NULL OR pg_try_advisory_xact_lock(own_lock);
        IF has_lock THEN
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
                    RAISE EXCEPTION 'the key was freed during the claim; retry' USING ERRCODE = 'serialization_failure';
                END IF;
                acquired := true;
                attempt := 1;
                RETURN;
            END IF;
        END IF;

        SELECT * INTO existing FROM {records} AS r WHERE r.id = own_id;
        IF NOT FOUND THEN
            CONTINUE WHEN has_lock; -- the row was deleted between the two statements
            state := 1;
            lapsed := false;
            RETURN;
        END IF;

        own_now := clock_timestamp();
        IF existing.expires_at > own_now AND existing.owner = own_owner AND existing.state = 1 THEN
            acquired := true;
            fence := existing.fence;
            attempt := existing.attempt;
            RETURN;
        END IF;

        lapsed := existing.lease_until <= own_now;
        IF existing.expires_at <= own_now OR (
            existing.state = 1 AND lapsed
            AND existing.guarantee = 2 AND own_guarantee = 2
            AND existing.attempt < max_attempts
            AND existing.rule = own_rule AND existing.fingerprint = own_fingerprint
        ) THEN
            IF NOT has_lock THEN
                state := 1;
                lapsed := false;
                RETURN;
            END IF;
            UPDATE {records} AS r SET
                lease_until = own_now + own_lease,
                expires_at = own_now + own_lease + own_ttl,
                sweep_at = own_now + own_lease + own_ttl,
                fence = greatest((extract(epoch FROM own_now) * 1000000)::bigint, r.fence + 1),
                attempt = CASE WHEN existing.expires_at <= own_now THEN 1 ELSE r.attempt + 1 END,
                format = own_format, state = 1, guarantee = own_guarantee, rule = own_rule,
                owner = own_owner, fingerprint = own_fingerprint, answer = '', scope = own_scope
            WHERE r.id = own_id AND r.owner = existing.owner AND r.fence = existing.fence
                AND r.state = existing.state AND r.expires_at = existing.expires_at
                AND r.lease_until = existing.lease_until
            RETURNING r.fence, r.attempt INTO fence, attempt;
            CONTINUE WHEN NOT FOUND; -- another request changed the record
            acquired := true;
            RETURN;
        END IF;

        format := existing.format;
        state := existing.state;
        rule := existing.rule;
        fingerprint := existing.fingerprint;
        answer := existing.answer;
        RETURN;
    END LOOP;
    RAISE EXCEPTION 'the record changed during each of 10 attempts to claim it; retry' USING ERRCODE = 'serialization_failure';
END
{body};

-- Completes a run. Returns whether the claim was current and the record was changed.
--
-- sweep_at is not changed, so that the update touches no index. The exception is a ttl that is shorter than
-- that of the claim by more than a second. The tolerance is needed because the clock is read more than once.
CREATE FUNCTION {complete_1}(
    IN own_id bytea, IN own_owner bytea, IN own_fence bigint,
    IN own_format smallint, IN own_state smallint, IN own_ttl interval, IN own_answer bytea,
    OUT held boolean
) LANGUAGE plpgsql VOLATILE SET lock_timeout = '500ms' AS {body}
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
{body};
