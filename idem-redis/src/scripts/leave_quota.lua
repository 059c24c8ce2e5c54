#!lua flags=allow-oom
-- Removes a key whose record is gone from the set of its scope, unless it was added again meanwhile.
-- KEYS: 1 the set of the scope. ARGV: 1 record id, 2 time at which the key had been added, in microseconds.
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0) == tonumber(ARGV[2]) then
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return 1
