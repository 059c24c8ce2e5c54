#!lua flags=allow-oom
-- Completes a run whose claim is cached, for the transitions complete, complete without a response and repeat complete
-- (docs/guarantees.md#state-machine). `end_run.lua` completes all others.
-- `value.rs` has the layout of the value.
-- ARGV: 1 bytes 10 to 43 of the value, from pad to fencing token, if the record is running and no duplicate
-- waits for it, 2 new value, 3 time to live of the key in milliseconds.
-- Returns 1 if the claim matches, or else 0 if there is no record, or else
-- {milliseconds left of the lease or the quiet time, value}.
local known = redis.call('GETRANGE', KEYS[1], 10, 43)
if known == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1
end

if #known < 34 then
  local found = redis.call('GET', KEYS[1])
  return found and {0, found} or 0
end
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = 2 ^ 52 -- the key does not expire
end
local state = string.byte(known, 8)
if state == 0 or left <= struct.unpack('>I4', known) then
  return 0
end

if string.sub(known, 11) == string.sub(ARGV[1], 11) then
  if state == 1 or state == 4 then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    if string.byte(known, 6) == 1 then
      redis.pcall('PUBLISH', string.sub(KEYS[1], 1, -65) .. 'changed', string.sub(KEYS[1], -64))
    end
  end
  return 1
end

local found = redis.call('GET', KEYS[1])
return {math.max(left - struct.unpack('>I8', found, 3), 0), found}
