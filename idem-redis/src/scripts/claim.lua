#!lua
-- Claims a key, for the transitions claim, repeat claim, take over, lapse and expire
-- (docs/guarantees.md#state-machine).
-- `value.rs` has the layout of the value.
-- ARGV: 1 prefix, 2 record, 3 time to live of the key in milliseconds, 4 attempts allowed,
-- 5 maximum time in microseconds between the clock sample of a plain claim and the claim.
-- Returns {fencing token, attempt, server time in microseconds} to the owner,
-- and {1 if the lease is over or else 0, value} to every other caller.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function acquire(fence, attempt, awaited)
  local value = string.sub(ARGV[1], 1, 15) .. awaited .. string.sub(ARGV[2], 1, 20)
    .. struct.pack('>I8I4', fence, attempt) .. string.sub(ARGV[2], 33)
  redis.call('SET', KEYS[1], value, 'PX', ARGV[3])
  return {fence, attempt, now}
end

local found = redis.call('GET', KEYS[1])
if not found then
  return acquire(now, 1, '\0')
end
if #found < 80 or string.byte(found) ~= 1 or string.byte(found, 17) ~= 1 then
  return {0, found} -- not a record of this layout and version; the caller reports it
end

local grace, pad = struct.unpack('>I8I4', found, 3)
local state = string.byte(found, 18)
local fence, attempt = struct.unpack('>I8I4', found, 37)
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = math.huge
end
if state == 0 or left <= pad then
  return acquire(math.max(now, fence + 1), 1, '\0')
end
if state ~= 1 then
  return {0, found}
end

if string.sub(found, 21, 36) == string.sub(ARGV[2], 5, 20) then
  if string.byte(found, 2) == 0 then
    local claimed_at = now - (ARGV[3] - left) * 1000
    if claimed_at - fence > tonumber(ARGV[5]) then
      fence = math.max(now, fence + 1)
      redis.call('SETRANGE', KEYS[1], 36, struct.pack('>I8', fence))
    end
    redis.call('SETRANGE', KEYS[1], 1, '\1')
  end
  return {fence, attempt, now}
end

if left > grace then
  return {0, found}
end
local at_most_once = string.byte(found, 19) ~= 2 or string.byte(ARGV[2], 3) ~= 2
local same_request = string.sub(found, 20, 20) == string.sub(ARGV[2], 4, 4)
  and string.sub(found, 49, 80) == string.sub(ARGV[2], 33, 64)
if at_most_once or not same_request or attempt >= tonumber(ARGV[4]) then
  return {1, found}
end
return acquire(math.max(now, fence + 1), attempt + 1, string.sub(found, 16, 16))
