#!lua flags=no-writes
-- Reads a record without the headers and the body of its response.
-- `value.rs` has the layout of the value.
-- Returns {value up to the status of the response, milliseconds left of the lease or the quiet time, milliseconds left of
-- the record, server time in microseconds}, or nothing if there is no record. The rest of a lease that has ended is
-- negative.
local head = redis.call('GETRANGE', KEYS[1], 0, 81)
local state = string.byte(head, 18)
if #head == 0 or state == 0 then
  return false
end
local grace, pad = 0, 0
if #head >= 80 then
  grace, pad = struct.unpack('>I8I4', head, 3)
end
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = 2 ^ 52 -- the key does not expire
end
if left <= pad then
  return false
end
if string.byte(head, 17) == 2 and #head == 82 then
  head = redis.call('GETRANGE', KEYS[1], 0, 83 + struct.unpack('>I2', head, 81))
end
local time = redis.call('TIME')
return {head, left - grace, left - pad, time[1] * 1000000 + time[2]}
