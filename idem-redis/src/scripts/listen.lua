#!lua flags=allow-oom
-- Marks a running record so that the end of its run is published. Most runs end while no duplicate waits,
-- so most records are never marked.
-- `value.rs` has the layout of the value.
-- Returns 1 if the record is running, or else 0.
local head = redis.call('GETRANGE', KEYS[1], 0, 17)
if string.byte(head, 18) ~= 1 then
  return 0
end
local left = redis.call('PTTL', KEYS[1])
if left >= 0 and left <= struct.unpack('>I8', head, 3) then
  return 0
end
if string.byte(head, 16) ~= 1 then
  redis.call('SETRANGE', KEYS[1], 15, '\1')
end
return 1
