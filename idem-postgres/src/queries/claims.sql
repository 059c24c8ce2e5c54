-- claim.sql for many keys at once.
SELECT asked.place, claimed.*
FROM unnest($1::bytea[], $2::bytea[], $3::interval[], $4::interval[], $5::smallint[], $6::smallint[],
            $7::bytea[], $8::integer[])
        WITH ORDINALITY
        AS asked (id, owner, lease, ttl, guarantee, rule, fingerprint, max_attempts, place),
    {claim}(asked.id, asked.owner, asked.lease, asked.ttl, $9, asked.guarantee, asked.rule,
            asked.fingerprint, asked.max_attempts, NULL, NULL, NULL) AS claimed
