#!lua
-- Enters a key that was just claimed among those of its scope, if there is room.
-- KEYS: 1 the scope's keys, each with the time it was entered. ARGV: 1 id, 2 keys allowed, 3 milliseconds to
-- keep the scope at least.
-- Returns whether it is entered.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  return 0
end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000000 + time[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1
