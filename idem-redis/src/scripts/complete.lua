#!lua flags=allow-oom
-- Completes a run, for the transitions complete, complete without a response, repeat complete and give up
-- (docs/guarantees.md#state-machine).
-- `value.rs` has the layout of the value.
-- ARGV: 1 bytes 10 to 43 of the value, from pad to fencing token, if the record is running and no duplicate
-- waits for it, 2 new value, 3 time to live of the key in milliseconds.
-- If the caller has not cached the claim: 2 prefix, version and state, 4 bytes that the state adds. The
-- other bytes come from the stored value.
-- Returns 1 if the claim matches, or else 0 if there is no record, or else
-- {1 if the lease is over or else 0, value}.
local known = redis.call('GETRANGE', KEYS[1], 10, 43)
if known == ARGV[1] and not ARGV[4] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1
end

if #known < 34 then
  local found = redis.call('GET', KEYS[1])
  return found and {0, found} or 0
end
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = math.huge
end
local state = string.byte(known, 8)
if state == 0 or left <= struct.unpack('>I4', known) then
  return 0
end

if string.sub(known, 11) == string.sub(ARGV[1], 11) then
  if state == 1 or state == 4 then
    local value = ARGV[2]
    if ARGV[4] then
      value = value .. redis.call('GETRANGE', KEYS[1], 18, 79) .. ARGV[4]
    end
    redis.call('SET', KEYS[1], value, 'PX', ARGV[3])
    if string.byte(known, 6) == 1 then
      redis.pcall('PUBLISH', string.sub(KEYS[1], 1, -65) .. 'changed', string.sub(KEYS[1], -64))
    end
  end
  return 1
end

local found = redis.call('GET', KEYS[1])
local lapsed = left <= struct.unpack('>I8', found, 3)
return {lapsed and 1 or 0, found}
