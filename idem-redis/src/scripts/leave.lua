#!lua flags=allow-oom
-- Takes a key that was found gone out of its scope, unless it was entered anew meanwhile.
-- KEYS: 1 the scope's keys. ARGV: 1 id, 2 when it had been entered.
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0) == tonumber(ARGV[2]) then
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return 1
