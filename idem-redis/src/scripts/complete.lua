#!lua flags=allow-oom
-- T4, T5, T6, T9: `transition::complete`.
-- ARGV: 1 what the value of the running record has from pad to fence, if nobody waits for it, 2 the whole
-- new value, 3 milliseconds to keep it. Or, if the caller does not know what was claimed with: 2 terms,
-- version and state, 4 what the state adds; the rest is taken from what stands.
-- Returns 1 if the claim was held, else 0 if nothing stands there, else {1 if the lease is over, value}.
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
