#!lua flags=allow-oom
-- Frees a key, for the transitions release and abandon (docs/guarantees.md#state-machine).
-- The fencing token is kept for a while; `fencing.rs` gives the reason. An abandoned takeover or recovery
-- keeps its record, because earlier runs may have had an effect: its lease ends, and its attempt stays counted.
-- `value.rs` has the layout of the value.
-- ARGV: 1 claim (nonce and fencing token), or the nonce alone to abandon,
-- 2 time in milliseconds to keep the fencing token, or 0.
-- Returns 1 if the claim matches, or else 0.
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
  local freed = '\1' .. string.rep('\0', 15) .. '\1' .. string.rep('\0', 19) .. string.sub(head, 37, 44)
    .. string.rep('\0', 36)
  redis.call('SET', KEYS[1], freed, 'PX', ARGV[2])
end
if string.byte(head, 16) == 1 then
  redis.pcall('PUBLISH', string.sub(KEYS[1], 1, -65) .. 'changed', string.sub(KEYS[1], -64))
end
return 1
