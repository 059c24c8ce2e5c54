#!lua flags=no-writes
-- `value.rs` has the layout of the value.
-- Returns 1 if the key has a record that is neither freed nor expired, or else 0.
local head = redis.call('GETRANGE', KEYS[1], 0, 17)
if #head < 18 or string.byte(head, 18) == 0 then
  return 0
end
local left = redis.call('PTTL', KEYS[1])
return (left < 0 or left > struct.unpack('>I4', head, 11)) and 1 or 0
