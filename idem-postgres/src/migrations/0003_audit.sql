-- Writes an entry of the audit log. It contains the SHA-256 of the entry before it, as `AuditRecord::digest` of idem-core
-- defines that.
CREATE FUNCTION {append_audit}(
    entry_record bytea, entry_action text, entry_actor text, entry_reason text, entry_fence bigint, entry_state text,
    entry_digest bytea, entry_applied boolean
) RETURNS void LANGUAGE plpgsql VOLATILE SET lock_timeout = '500ms' SET search_path = pg_catalog, pg_temp AS {body}
DECLARE
    last  {audit}%ROWTYPE;
    part  bytea;
    parts bytea := '';
    link  bytea := decode(repeat('00', 32), 'hex');
BEGIN
    -- Entries are numbered in the order of their commits, so that a reader of pages misses none and the chain does not
    -- fork.
    PERFORM pg_advisory_xact_lock(hashtextextended({lock}, 3));
    SELECT * INTO last FROM {audit} AS a ORDER BY a.entry DESC LIMIT 1;
    IF FOUND THEN
        FOREACH part IN ARRAY ARRAY[
            convert_to('idem.audit/1', 'UTF8'),
            int8send((extract(epoch FROM last.at) * 1000000)::bigint),
            last.record,
            convert_to(last.action, 'UTF8'),
            convert_to(last.actor, 'UTF8'),
            convert_to(last.reason, 'UTF8'),
            int8send(last.fence),
            convert_to(last.state, 'UTF8'),
            coalesce(last.response_digest, ''),
            convert_to(CASE WHEN last.applied THEN '1' ELSE '0' END, 'UTF8'),
            last.previous
        ] LOOP
            parts := parts || int8send(octet_length(part)::bigint) || part;
        END LOOP;
        link := sha256(parts);
    END IF;
    INSERT INTO {audit} (at, record, action, actor, reason, fence, state, response_digest, applied, previous) VALUES (
        clock_timestamp(), entry_record, entry_action, entry_actor, entry_reason, entry_fence, entry_state,
        entry_digest, entry_applied, link
    );
END
{body};

