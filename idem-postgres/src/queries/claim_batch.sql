-- claim.sql for several keys without a quota. Returns one row for each key, with its position from 1.
SELECT calls.ordinal, claimed.*
FROM unnest($1::bytea[], $2::bytea[], $3::interval[], $4::interval[], $5::interval[], $6::smallint[],
            $7::smallint[], $8::bytea[], $9::integer[], $10::text[], $11::bytea[], $12::bytea[])
        WITH ORDINALITY
        AS calls (id, owner, lease, hold, ttl, guarantee, rule, fingerprint, max_attempts, operation, label,
                  extras, ordinal),
    {claim}(calls.id, calls.owner, calls.lease, calls.hold, calls.ttl, $13, calls.guarantee, calls.rule,
            calls.fingerprint, calls.max_attempts, calls.operation, calls.label, calls.extras,
            NULL, NULL, NULL, $14) AS claimed
