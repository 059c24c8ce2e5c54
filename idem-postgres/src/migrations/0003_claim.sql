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
-- that stays open does not take that lock, and its key is counted after it is committed. A scope that seems to
-- be full is searched for expired records, up to 1,000 of those that expire first. A claim that commits by
-- itself deletes them.
--
-- own_timeout is the time after which the caller abandons the claim. It then must not take effect any more.
--
-- lost_reason, lost_attempt and silent_for (microseconds) are those of the silence if the acquired record is in
-- recovery. lease_left is the rest of the lease or of the quiet time of an existing record in microseconds.
CREATE FUNCTION {claim}(
    IN own_id bytea, IN own_owner bytea, IN own_lease interval, IN own_hold interval, IN own_ttl interval,
    IN own_format smallint, IN own_guarantee smallint, IN own_rule smallint, IN own_fingerprint bytea,
    IN max_attempts integer, IN own_operation text, IN own_label bytea, IN own_extras bytea,
    IN own_lock bigint, IN own_scope bytea, IN max_keys integer, IN own_timeout interval,
    OUT scope_full boolean, OUT acquired boolean, OUT fence bigint, OUT attempt integer,
    OUT lost_reason smallint, OUT lost_attempt integer, OUT silent_for bigint, OUT lease_left bigint,
    OUT format smallint, OUT state smallint, OUT guarantee smallint, OUT rule smallint, OUT fingerprint bytea,
    OUT answer bytea
) LANGUAGE plpgsql VOLATILE SET lock_timeout = '500ms' SET search_path = pg_catalog, pg_temp
-- A plan that was made for an empty table would read all of it.
SET enable_seqscan = off AS {body}
#variable_conflict use_column
DECLARE
    existing      record;
    own_now       timestamptz;
    has_lock      boolean;
    counted       boolean := max_keys IS NULL;
    others        bigint;
    expired       bytea[];
    is_expired    boolean;
    may_acquire   boolean;
    may_recover   boolean;
BEGIN
    -- Most claims of an existing record find a completed one. Reading it takes half the time of an INSERT that conflicts.
    SELECT r.format, r.state, r.guarantee, r.rule, r.fingerprint, r.answer
    INTO format, state, guarantee, rule, fingerprint, answer
    FROM {records} AS r WHERE r.id = own_id AND r.state IN (2, 3) AND r.expires_at > clock_timestamp();
    acquired := false;
    IF FOUND THEN
        lease_left := 0;
        RETURN;
    END IF;
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
            -- An expired record of this key is counted too, but the claim replaces it.
            others := (SELECT coalesce(sum(s.keys), 0) FROM {scopes} AS s WHERE s.scope = own_scope)
                - (SELECT count(*) FROM {records} AS r WHERE r.id = own_id AND r.scope = own_scope);
            IF others >= max_keys THEN
                -- A record that was completed within its lease expires up to a lease before its sweep_at. The time is
                -- a variable, because the index is not searched by a volatile function.
                own_now := clock_timestamp();
                expired := ARRAY(
                    SELECT first.id FROM (
                        SELECT r.id, r.expires_at FROM {records} AS r
                        WHERE r.scope = own_scope AND r.sweep_at <= own_now + own_lease
                        ORDER BY r.sweep_at LIMIT 1000
                    ) AS first
                    WHERE first.expires_at <= own_now AND first.id <> own_id
                );
                IF pass = 2 THEN
                    DELETE FROM {records} AS r WHERE r.id = ANY (ARRAY(
                        SELECT e.id FROM {records} AS e
                        WHERE e.id = ANY (expired) AND e.expires_at <= clock_timestamp()
                        FOR UPDATE SKIP LOCKED
                    ));
                END IF;
                others := others - cardinality(expired);
            END IF;
            scope_full := others >= max_keys AND NOT EXISTS (
                SELECT FROM {records} AS r WHERE r.id = own_id AND r.expires_at > clock_timestamp()
            );
            IF scope_full THEN
                RETURN;
            END IF;
        END LOOP;
    END IF;
    FOR try IN 1..10 LOOP
        has_lock := own_lock IS NULL OR pg_try_advisory_xact_lock(own_lock);
        IF clock_timestamp() > statement_timestamp() + own_timeout THEN
            RAISE EXCEPTION 'the claim waited longer than %', own_timeout USING ERRCODE = 'query_canceled';
        END IF;
        IF has_lock THEN
            own_now := clock_timestamp();
            INSERT INTO {records} AS r (
                id, created_at, lease_until, expires_at, sweep_at, fence, attempt, format, state, guarantee, rule,
                awaited, owner, fingerprint, answer, scope, operation, label, extras
            ) VALUES (
                own_id, own_now, own_now + own_lease, own_now + own_lease + own_hold, own_now + own_lease + own_ttl,
                (extract(epoch FROM own_now) * 1000000)::bigint, 1, own_format, 1, own_guarantee, own_rule,
                false, own_owner, own_fingerprint, '', own_scope, own_operation, own_label, own_extras
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

        SELECT r.lease_until, r.expires_at, r.fence, r.attempt, r.format, r.state, r.guarantee, r.rule, r.owner,
            r.fingerprint, r.answer, r.silent_since, r.lost_reason, r.lost_attempt, r.unknown_reason
        INTO existing FROM {records} AS r WHERE r.id = own_id;
        IF NOT FOUND THEN
            CONTINUE WHEN has_lock; -- the row was deleted between the two statements
            state := 1;
            RETURN;
        END IF;

        own_now := clock_timestamp();
        is_expired := existing.expires_at <= own_now;
        IF NOT is_expired AND existing.owner = own_owner AND existing.state = 1 THEN
            acquired := true;
            fence := existing.fence;
            attempt := existing.attempt;
            IF existing.silent_since IS NOT NULL AND existing.format > 1 THEN
                lost_reason := existing.lost_reason;
                lost_attempt := existing.lost_attempt;
                silent_for := greatest((extract(epoch FROM own_now) * 1000000)::bigint - existing.silent_since, 0);
            END IF;
            RETURN;
        END IF;

        may_acquire := is_expired;
        may_recover := false;
        lease_left := 0;
        IF existing.state IN (1, 4) THEN
            -- A record of a later format is neither taken over nor recovered.
            IF NOT is_expired AND existing.lease_until <= own_now AND existing.format <= own_format
                AND existing.rule = own_rule AND existing.fingerprint = own_fingerprint
            THEN
                may_recover := existing.guarantee = 3 AND own_guarantee = 3
                    AND (existing.state = 1 OR existing.unknown_reason <> 6);
                may_acquire := may_recover OR existing.state = 1 AND existing.guarantee = 2 AND own_guarantee = 2
                    AND existing.attempt < max_attempts;
            END IF;
            lease_left := greatest(0, least(9e18,
                (extract(epoch FROM existing.lease_until) - extract(epoch FROM own_now)) * 1000000))::bigint;
        END IF;
        IF may_acquire THEN
            IF NOT has_lock THEN
                state := 1;
                RETURN;
            END IF;
            UPDATE {records} AS r SET
                created_at = CASE WHEN is_expired THEN own_now ELSE r.created_at END,
                lease_until = own_now + own_lease,
                expires_at = own_now + own_lease + own_hold,
                sweep_at = own_now + own_lease + own_ttl,
                fence = greatest((extract(epoch FROM own_now) * 1000000)::bigint, r.fence + 1),
                attempt = CASE WHEN is_expired THEN 1 ELSE r.attempt + 1 END,
                format = own_format, state = 1, guarantee = own_guarantee, rule = own_rule,
                owner = own_owner, fingerprint = own_fingerprint, answer = '', scope = own_scope,
                operation = CASE WHEN may_recover THEN r.operation ELSE own_operation END,
                label = CASE WHEN may_recover THEN r.label ELSE own_label END,
                extras = CASE WHEN may_recover THEN r.extras ELSE own_extras END,
                dispute = CASE WHEN may_recover THEN r.dispute END,
                unknown_reason = NULL,
                -- The silence of a crashed run begins at the end of its lease.
                silent_since = CASE WHEN may_recover THEN
                    coalesce(r.silent_since, (extract(epoch FROM r.lease_until) * 1000000)::bigint) END,
                lost_reason = CASE WHEN may_recover THEN coalesce(r.lost_reason, 1) END,
                lost_attempt = CASE WHEN may_recover THEN coalesce(r.lost_attempt, r.attempt) END
            WHERE r.id = own_id AND r.owner = existing.owner AND r.fence = existing.fence
                AND r.state = existing.state AND r.expires_at = existing.expires_at
                AND r.lease_until = existing.lease_until
            RETURNING r.fence, r.attempt, r.lost_reason, r.lost_attempt,
                greatest((extract(epoch FROM own_now) * 1000000)::bigint - r.silent_since, 0)
            INTO fence, attempt, lost_reason, lost_attempt, silent_for;
            CONTINUE WHEN NOT FOUND; -- another request changed the record
            acquired := true;
            RETURN;
        END IF;

        format := existing.format;
        state := existing.state;
        guarantee := existing.guarantee;
        rule := existing.rule;
        fingerprint := existing.fingerprint;
        answer := existing.answer;
        RETURN;
    END LOOP;
    RAISE EXCEPTION 'the record changed during each of 10 attempts to claim it; retry' USING ERRCODE = 'serialization_failure';
END
{body};

