-- KEYS: marker, room, key. ARGV: lease, the moment from which on the key was not in the store (or ''), how old that may be,
-- numbers that may be pending, after what time one is stalled, the set-back of stamps (microseconds), idle time, the reservation's key and payload,
-- and the gate under which its sender may speak (or '').
local room = redis.call('HMGET', KEYS[2], 'memory', 'awake', 'head', 'settled', 'stamp', 'gate', 'kept')
if room[1] ~= memory then
  local _, rest = wake()
  return rest > 0 and { moment, 'resting', text(rest) } or { moment, 'unseeded' }
end
local awake, head, settled, stamp = tonumber(room[2]), tonumber(room[3]), tonumber(room[4]), tonumber(room[5])
local gate, kept = room[6], tonumber(room[7])
if ARGV[10] ~= '' and ARGV[10] ~= gate then return { moment, 'moved' } end

local seq = text(head + 1)
local earlier = redis.call('SET', KEYS[3], seq, 'NX', 'GET', 'PX', ARGV[7])
if earlier then
  local reservation = redis.call('HGET', KEYS[2], earlier)
  if reservation then return { moment, 'pending', earlier, reservation } end
  return { moment, 'settled', earlier }
end
local function refuse(why)
  redis.call('DEL', KEYS[3])
  return { moment, why }
end

-- While it rested, those who had a number from the memory before may have written.
local looked_up, where = string.match(ARGV[2], '^(%d+)%.(%x+)$')
looked_up = tonumber(looked_up)
if where ~= memory or looked_up < awake or now - looked_up > tonumber(ARGV[3]) then return refuse('stale') end
if head >= settled + tonumber(ARGV[4]) then return refuse('full') end

local stalled = '0'
if head > settled then
  local lowest = redis.call('HGET', KEYS[2], text(settled + 1))
  if lowest and now - tonumber(string.match(lowest, '^%d+|(%d+)|')) > tonumber(ARGV[5]) then stalled = '1' end
end

stamp = text(math.max(stamp + 1, now_us - tonumber(ARGV[6])))
local reservation = stamp .. '|' .. text(now) .. '|' .. ARGV[8] .. '|' .. ARGV[9]
-- Its age is set anew now and then, not with each message.
if now < kept or now - kept > tonumber(ARGV[7]) / 16 then
  redis.call('HSET', KEYS[2], 'head', seq, 'stamp', stamp, seq, reservation, 'kept', text(now))
  redis.call('PEXPIRE', KEYS[2], ARGV[7])
else
  redis.call('HSET', KEYS[2], 'head', seq, 'stamp', stamp, seq, reservation)
end
return { moment, 'given', seq, stamp, stalled, gate }
