-- Resolves an unknown outcome by hand, or evicts a record, for the transitions resolve and evict
-- (docs/guarantees.md#state-machine). A freed key keeps its fencing token for a while.
-- ARGV: 1 the fencing token that the operator has seen, 2 the action, 3 time to live of the key in milliseconds,
-- 4 prefix, 5 tail of the completed state.
-- Returns 1 if the record was changed, or else 0 if there is no record, or else
-- {milliseconds left of the lease or the quiet time, value}.
local is_live = state == 1 and lease_left > 0
local is_unknown = state == 4 or state == 1 and not is_live
local permitted = is_unknown or ARGV[2] == 'evict' and not is_live
local fence = string.sub(found, 37, 44)
if fence ~= ARGV[1] or not permitted then
  return {lease_left, found}
end

local value
if ARGV[2] == 'release' or ARGV[2] == 'evict' then
  value = '\1' .. string.rep('\0', 15) .. '\1' .. string.rep('\0', 19) .. fence .. string.rep('\0', 36)
else
  fence = struct.pack('>I8', math.max(now, struct.unpack('>I8', fence) + 1))
  if ARGV[2] == 'complete' then
    value = ended(ARGV[4], fence, 2, ARGV[5], '')
  else
    local reason = '\1' -- crashed
    if state == 4 then
      -- Version 1 has no reason, and reads as timed out.
      reason = version == 1 and '\2' or string.sub(found, 83 + extras_len, 83 + extras_len)
    end
    value = ended(ARGV[4], fence, 4, reason, '')
  end
end
redis.call('SET', KEYS[1], value, 'PX', ARGV[3])
redis.pcall('PUBLISH', string.sub(KEYS[1], 1, -65) .. 'changed', string.sub(KEYS[1], -64))
return 1
