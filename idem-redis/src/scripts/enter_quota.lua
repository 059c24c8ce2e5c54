#!lua
-- Adds a claimed key to the set of its scope, if the scope has room.
-- KEYS: 1 the set of the scope; the score of a key is the time at which it was added, in microseconds.
-- ARGV: 1 record id, 2 keys allowed, 3 minimum time to live of the set in milliseconds.
-- Returns 1 if the key is in the set, or else 0.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  return 0
end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000000 + time[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1
