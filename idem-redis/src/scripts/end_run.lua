-- Ends a run whose new value depends on the stored one: with an unknown outcome, or with a claim that is not cached. For
-- the transitions complete, complete without a response, repeat complete and give up (docs/guarantees.md#state-machine).
-- ARGV: 1 claim (nonce and fencing token), 2 prefix, 3 time to live of the key in milliseconds, 4 state, 5 tail of the
-- state, 6 the field of the dispute, or empty.
-- Returns 1 if the claim matches, or else 0 if there is no record, or else
-- {milliseconds left of the lease or the quiet time, value}.
if string.sub(found, 21, 44) ~= ARGV[1] then
  return {lease_left, found}
end
if state == 1 or state == 4 then
  local value = ended(ARGV[2], string.sub(found, 37, 44), tonumber(ARGV[4]), ARGV[5], ARGV[6])
  redis.call('SET', KEYS[1], value, 'PX', ARGV[3])
  if string.byte(found, 16) == 1 then
    redis.pcall('PUBLISH', string.sub(KEYS[1], 1, -65) .. 'changed', string.sub(KEYS[1], -64))
  end
end
return 1
