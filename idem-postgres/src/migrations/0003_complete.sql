-- Completes a run. Returns whether the claim was current and the record was changed.
--
-- own_quiet is the time during which no recovery of an unknown outcome starts, and zero for other states. The
-- retention begins after it. The answer of an unknown outcome is its reason. An unknown outcome keeps the silence
-- of its recovery, or else is silent from now.
--
-- sweep_at is not changed, so that the update touches no index. The exception is a retention that is shorter than
-- the ttl of the claim by more than a second. The tolerance is needed because the clock is read more than once.
CREATE FUNCTION {complete}(
    IN own_id bytea, IN own_owner bytea, IN own_fence bigint,
    IN own_format smallint, IN own_state smallint, IN own_retention interval, IN own_answer bytea,
    IN own_quiet interval, IN own_dispute bytea,
    OUT held boolean
) LANGUAGE plpgsql VOLATILE SET lock_timeout = '500ms' SET search_path = pg_catalog, pg_temp
-- A plan that was made for an empty table would read all of it.
SET enable_seqscan = off AS {body}
#variable_conflict use_column
DECLARE
    was_awaited boolean;
    own_expiry  timestamptz;
BEGIN
    IF own_state <> 4 THEN
        own_expiry := clock_timestamp() + own_retention;
        UPDATE {records} AS r SET
            format = own_format, state = own_state, answer = own_answer, expires_at = own_expiry,
            sweep_at = CASE WHEN own_retention + interval '1 s' < r.sweep_at - r.lease_until
                THEN own_expiry ELSE r.sweep_at END,
            unknown_reason = NULL, silent_since = NULL, lost_reason = NULL, lost_attempt = NULL
        WHERE r.id = own_id AND r.owner = own_owner AND r.fence = own_fence AND r.state IN (1, 4)
            AND r.expires_at > clock_timestamp()
        RETURNING r.awaited INTO was_awaited;
    ELSE
        UPDATE {records} AS r SET
            format = own_format, state = own_state, answer = own_answer,
            lease_until = clock_timestamp() + own_quiet,
            expires_at = clock_timestamp() + own_quiet + own_retention,
            sweep_at = CASE
                WHEN own_quiet + own_retention + interval '1 s' < r.sweep_at - r.lease_until
                THEN clock_timestamp() + own_quiet + own_retention
                ELSE r.sweep_at
            END,
            unknown_reason = get_byte(own_answer, 0),
            silent_since = coalesce(r.silent_since, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint),
            lost_reason = coalesce(r.lost_reason, get_byte(own_answer, 0)),
            lost_attempt = coalesce(r.lost_attempt, r.attempt),
            dispute = coalesce(own_dispute, r.dispute)
        WHERE r.id = own_id AND r.owner = own_owner AND r.fence = own_fence AND r.state IN (1, 4)
            AND r.expires_at > clock_timestamp()
        RETURNING r.awaited INTO was_awaited;
    END IF;
    held := FOUND;
    IF was_awaited THEN
        PERFORM pg_notify({channel}, encode(own_id, 'hex'));
    END IF;
END
{body};

