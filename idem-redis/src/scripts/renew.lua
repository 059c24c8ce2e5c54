#!lua flags=allow-oom
-- Renews the lease of a run, for the transitions renew and resume run (docs/guarantees.md#state-machine).
-- `value.rs` has the layout of the value.
-- ARGV: 1 claim (nonce and fencing token), 2 prefix, 3 time to live of the key in milliseconds,
-- 4 present if the recovery ends: the silence is removed.
-- Returns 1 if the claim matches, or else 0.
local head = redis.call('GETRANGE', KEYS[1], 0, 43)
if string.sub(head, 21) ~= ARGV[1] or string.byte(head, 18) ~= 1 then
  return 0
end
local pad = struct.unpack('>I4', head, 11)
if pad > 0 then
  local left = redis.call('PTTL', KEYS[1])
  if left >= 0 and left <= pad then
    return 0
  end
end
if ARGV[4] and redis.call('GETRANGE', KEYS[1], 82, 84) == '\4\0\13' then
  local found = redis.call('GET', KEYS[1])
  local extras_len = struct.unpack('>I2', found, 81) - 16
  local resumed = string.sub(found, 1, 80) .. struct.pack('>I2', extras_len) .. string.sub(found, 99)
  redis.call('SET', KEYS[1], resumed, 'KEEPTTL')
end
redis.call('SETRANGE', KEYS[1], 1, string.sub(ARGV[2], 2, 14))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
