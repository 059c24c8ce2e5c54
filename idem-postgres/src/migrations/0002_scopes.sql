-- The migration waits for open transactions that wrote to the table, and claims wait for the migration. It fails
-- rather than let them wait long.
SET LOCAL lock_timeout = '2s';

LOCK TABLE {records} IN SHARE ROW EXCLUSIVE MODE;

-- The number of records of each scope with a quota, including expired ones. It is the sum of the rows of the
-- scope: a transaction that stays open holds the row that it wrote, and others then write a further one.
CREATE TABLE {scopes} (
    scope bytea  NOT NULL,
    keys  bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX {scopes_index} ON {scopes} (scope);

INSERT INTO {scopes} (scope, keys) SELECT scope, count(*) FROM {records} WHERE scope IS NOT NULL GROUP BY scope;

-- On a large table, create this index before the migration with CREATE INDEX CONCURRENTLY.
CREATE INDEX IF NOT EXISTS {scope_sweep_index} ON {records} (scope, sweep_at) WHERE scope IS NOT NULL;

-- Adds to the count of a scope. The rows that no other transaction holds are merged into one.
CREATE FUNCTION {add}(IN own_scope bytea, IN change bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS {body}
DECLARE
    total bigint;
BEGIN
    BEGIN
        WITH merged AS (
            DELETE FROM {scopes} WHERE ctid = ANY (ARRAY(
                SELECT s.ctid FROM {scopes} AS s WHERE s.scope = own_scope LIMIT 16 FOR UPDATE SKIP LOCKED
            ))
            RETURNING keys
        )
        SELECT change + coalesce(sum(merged.keys), 0) INTO total FROM merged;
    EXCEPTION WHEN serialization_failure THEN
        -- Above read committed, a row that was changed since the transaction began cannot be merged.
        total := change;
    END;
    IF total <> 0 THEN
        INSERT INTO {scopes} (scope, keys) VALUES (own_scope, total);
    END IF;
END
{body};

-- Counts the records of scopes. Triggers also count what an operator or the previous version of the store
-- changes. They run with the rights of their owner, so that other roles need not write to the counts.
CREATE FUNCTION {count}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS {body}
BEGIN
    CASE TG_OP
        WHEN 'INSERT' THEN
            PERFORM {add}(NEW.scope, 1);
        WHEN 'UPDATE' THEN
            PERFORM {add}(changes.scope, changes.change)
            FROM (VALUES (OLD.scope, -1), (NEW.scope, 1)) AS changes (scope, change)
            WHERE changes.scope IS NOT NULL;
        WHEN 'DELETE' THEN
            PERFORM {add}(d.scope, -count(*)) FROM deleted AS d WHERE d.scope IS NOT NULL GROUP BY d.scope;
        WHEN 'TRUNCATE' THEN
            DELETE FROM {scopes};
    END CASE;
    RETURN NULL;
END
{body};

REVOKE ALL ON FUNCTION {add}(bytea, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION {count}() FROM PUBLIC;

CREATE TRIGGER idem_count_insert AFTER INSERT ON {records}
    FOR EACH ROW WHEN (NEW.scope IS NOT NULL) EXECUTE FUNCTION {count}();

CREATE TRIGGER idem_count_update AFTER UPDATE OF scope ON {records}
    FOR EACH ROW WHEN (OLD.scope IS DISTINCT FROM NEW.scope) EXECUTE FUNCTION {count}();

CREATE TRIGGER idem_count_delete AFTER DELETE ON {records} REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION {count}();

CREATE TRIGGER idem_count_truncate AFTER TRUNCATE ON {records}
    FOR EACH STATEMENT EXECUTE FUNCTION {count}();

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
CREATE FUNCTION {claim_2}(
    IN own_id bytea, IN own_owner bytea, IN own_lease interval, IN own_ttl interval,
    IN own_format smallint, IN own_guarantee smallint, IN own_rule smallint, IN own_fingerprint bytea,
    IN max_attempts integer, IN own_lock bigint, IN own_scope bytea, IN max_keys integer, IN own_timeout interval,
    OUT scope_full boolean, OUT acquired boolean, OUT lapsed boolean, OUT fence bigint, OUT attempt integer, OUT format smallint,
    OUT state smallint, OUT rule smallint, OUT fingerprint bytea, OUT answer bytea
) LANGUAGE plpgsql VOLATILE SET lock_timeout = '500ms' SET search_path = pg_catalog, pg_temp AS {body}
#variable_conflict use_column
DECLARE
    existing {records}%ROWTYPE;
    own_now  timestamptz;
    has_lock boolean;
    counted  boolean := max_keys IS NULL;
    others   bigint;
    expired  bytea[];
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
            -- An expired record of this key is counted too, but the claim replaces it.
            others := (SELECT coalesce(sum(s.keys), 0) FROM {scopes} AS s WHERE s.scope = own_scope)
                - (SELECT count(*) FROM {records} AS r WHERE r.id = own_id AND r.scope = own_scope);
            IF others >= max_keys THEN
                -- A record that was completed within its lease expires up to a lease before its sweep_at.
                expired := ARRAY(
                    SELECT first.id FROM (
                        SELECT r.id, r.expires_at FROM {records} AS r
                        WHERE r.scope = own_scope AND r.sweep_at <= clock_timestamp() + own_lease
                        ORDER BY r.sweep_at LIMIT 1000
                    ) AS first
                    WHERE first.expires_at <= clock_timestamp() AND first.id <> own_id
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

ALTER FUNCTION {claim_1}(
    bytea, bytea, interval, interval, smallint, smallint, smallint, bytea, integer, bigint, bytea, integer
) SET search_path = pg_catalog, pg_temp;

ALTER FUNCTION {complete_1}(bytea, bytea, bigint, smallint, smallint, interval, bytea)
    SET search_path = pg_catalog, pg_temp;
