-- The common start of end_run.lua and resolve.lua: `mod.rs` puts it before them.
-- `value.rs` has the layout of the value.
-- Returns 0 if there is no record. `lease_left` is the rest of the lease or of the quiet time in milliseconds.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local found = redis.call('GET', KEYS[1])
if not found then
  return 0
end
local version = string.byte(found, 17)
if #found < 80 or string.byte(found) ~= 1 or version ~= 2 and version ~= 1 then
  return {0, found} -- not a record of this layout and version; the caller reports it
end
local grace, pad = struct.unpack('>I8I4', found, 3)
local state = string.byte(found, 18)
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = 2 ^ 52 -- the key does not expire
end
if state == 0 or left <= pad then
  return 0
end
local lease_left = math.max(left - grace, 0)
local extras_len = version > 1 and struct.unpack('>I2', found, 81) or 0

local function without_dispute(extras)
  local kept, at = '', 1
  while at + 2 <= #extras do
    local last = at + 2 + struct.unpack('>I2', extras, at + 1)
    if string.byte(extras, at) ~= 5 then
      kept = kept .. string.sub(extras, at, last)
    end
    at = last + 1
  end
  return kept
end

-- Returns the value of a record whose run has ended. An unknown outcome (state 4) keeps its silence, or else is silent
-- from now. Other states have no silence. A dispute is a field of the extras, or empty to keep the earlier one.
local function ended(prefix, fence, state, tail, dispute)
  local extras, silence = string.sub(found, 83, 82 + extras_len), ''
  if string.sub(extras, 1, 3) == '\4\0\13' then
    silence, extras = string.sub(extras, 1, 16), string.sub(extras, 17)
  end
  if state ~= 4 then
    silence = ''
  elseif silence == '' then
    silence = struct.pack('>BI2I8B', 4, 13, now, string.byte(tail)) .. string.sub(found, 45, 48)
  end
  if dispute ~= '' then
    extras = without_dispute(extras) .. dispute
  end
  extras = silence .. extras
  return prefix .. '\2' .. string.char(state) .. string.sub(found, 19, 36) .. fence .. string.sub(found, 45, 80)
    .. struct.pack('>I2', #extras) .. extras .. tail
end
