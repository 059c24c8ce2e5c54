#!lua flags=allow-oom
-- T7, T8: `transition::release` and `transition::abandon`.
-- The key is free again, but its fence is remembered for a while: see `fence.rs`. A takeover that is
-- abandoned does not forget the runs before it: its lease is over, and its attempt stays counted.
-- ARGV: 1 claim, or owner alone, 2 milliseconds to remember the fence, or 0.
-- Returns whether the claim was held.
local head = redis.call('GETRANGE', KEYS[1], 0, 79)
if string.sub(head, 21, 20 + #ARGV[1]) ~= ARGV[1] or string.byte(head, 18) ~= 1 then
  return 0
end
local pad = struct.unpack('>I4', head, 11)
local left = redis.call('PTTL', KEYS[1])
if left >= 0 and left <= pad then
  return 0
end
local abandons = #ARGV[1] == 16
if abandons and struct.unpack('>I4', head, 45) > 1 then
  redis.call('SETRANGE', KEYS[1], 2, struct.pack('>I8', math.max(left, 0)))
elseif ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  local freed = string.sub(head, 1, 1) .. string.rep('\0', 15) .. string.sub(head, 17, 17) .. '\0'
    .. string.sub(head, 19, 20) .. string.rep('\0', 16) .. string.sub(head, 37)
  redis.call('SET', KEYS[1], freed, 'PX', ARGV[2])
end
if string.byte(head, 16) == 1 then
  redis.pcall('PUBLISH', string.sub(KEYS[1], 1, -65) .. 'changed', string.sub(KEYS[1], -64))
end
return 1
