#!lua flags=allow-oom
-- Marks a running record so that its end is published: most records end while nobody waits, and cost nothing.
-- Returns whether there is an end to wait for.
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
