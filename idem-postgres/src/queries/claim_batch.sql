-- claim.sql for several keys without a quota. Returns one row for each key, with its position from 1.
SELECT calls.ordinal, claimed.*
FROM unnest($1::bytea[], $2::bytea[], $3::interval[], $4::interval[], $5::smallint[], $6::smallint[],
            $7::bytea[], $8::integer[])
        WITH ORDINALITY
        AS calls (id, owner, lease, ttl, guarantee, rule, fingerprint, max_attempts, ordinal),
    {claim}(calls.id, calls.owner, calls.lease, calls.ttl, $9, calls.guarantee, calls.rule,
            calls.fingerprint, calls.max_attempts, NULL, NULL, NULL, $10) AS claimed
