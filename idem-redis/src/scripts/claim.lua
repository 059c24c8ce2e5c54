#!lua
-- Claims a key, for the transitions claim, repeat claim, take over, begin recovery, lapse and expire
-- (docs/guarantees.md#state-machine).
-- `value.rs` has the layout of the value.
-- ARGV: 1 prefix, 2 record, 3 time to live of the key in milliseconds, 4 attempts allowed,
-- 5 maximum time in microseconds between the clock sample of a plain claim and the claim.
-- Returns {fencing token, attempt, server time in microseconds} to the owner, followed by the value if the
-- record is in recovery, and {milliseconds left of the lease or the quiet time, value} to every other caller.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- `extras` contains its length. Without it, the record has the extras of the claim.
local function acquire(fence, attempt, awaited, extras)
  local value = string.sub(ARGV[1], 1, 15) .. awaited .. string.sub(ARGV[2], 1, 20)
    .. struct.pack('>I8I4', fence, attempt) .. string.sub(ARGV[2], 33, 64) .. (extras or string.sub(ARGV[2], 65))
  redis.call('SET', KEYS[1], value, 'PX', ARGV[3])
  return {fence, attempt, now, extras and value}
end

local found = redis.call('GET', KEYS[1])
if not found then
  return acquire(now, 1, '\0')
end
local version = string.byte(found, 17)
if #found < 80 or string.byte(found) ~= 1 or version ~= 2 and version ~= 1 then
  return {0, found} -- not a record of this layout and version; the caller reports it
end

local grace, pad = struct.unpack('>I8I4', found, 3)
local state = string.byte(found, 18)
local fence, attempt = struct.unpack('>I8I4', found, 37)
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = 2 ^ 52 -- the key does not expire
end
if state == 0 or left <= pad then
  return acquire(math.max(now, fence + 1), 1, '\0')
end

if state == 1 and string.sub(found, 21, 36) == string.sub(ARGV[2], 5, 20) then
  if string.byte(found, 2) == 0 then
    local claimed_at = now - (ARGV[3] - left) * 1000
    if claimed_at - fence > tonumber(ARGV[5]) then
      fence = math.max(now, fence + 1)
      redis.call('SETRANGE', KEYS[1], 36, struct.pack('>I8', fence))
    end
    redis.call('SETRANGE', KEYS[1], 1, '\1')
  end
  local in_recovery = string.sub(found, 83, 85) == '\4\0\13'
  return {fence, attempt, now, in_recovery and found or nil}
end

if left > grace then
  return {left - grace, found}
end
local guarantee = string.byte(found, 19)
if guarantee ~= string.byte(ARGV[2], 3) or string.sub(found, 20, 20) ~= string.sub(ARGV[2], 4, 4)
    or string.sub(found, 49, 80) ~= string.sub(ARGV[2], 33, 64) then
  return {0, found}
end

local awaited = string.sub(found, 16, 16)
if state == 1 and guarantee == 2 and attempt < tonumber(ARGV[4]) then
  return acquire(math.max(now, fence + 1), attempt + 1, awaited)
end

if guarantee == 3 and version == 2 and (state == 1 or state == 4) then
  local last = 82 + struct.unpack('>I2', found, 81)
  local reason = state == 1 and 1 or string.byte(found, last + 1)
  if last > #found or not reason or reason > 5 then
    return {0, found} -- disputed, damaged, or a reason that only a later version knows
  end
  local extras = string.sub(found, 83, last)
  if string.sub(extras, 1, 3) ~= '\4\0\13' then
    local lease_end = now - (grace - left) * 1000
    extras = struct.pack('>BI2I8BI4', 4, 13, lease_end, reason, attempt) .. extras
  end
  extras = struct.pack('>I2', #extras) .. extras
  return acquire(math.max(now, fence + 1), attempt + 1, awaited, extras)
end
return {0, found}
