-- KEYS: room, key. ARGV: the moment from which on the key was not in the store (or ''), the reservation's key and payload, and the
-- gate under which its sender may speak (or '').
local whose, awake, head, settled, at, stamp, gate, kept = struct.unpack(ROOM, redis.call('HGET', KEYS[1], 'room') or NONE)
if whose ~= memory then return { moment, 'unknown' } end
if ARGV[4] ~= '' and tonumber(ARGV[4]) ~= gate then return { moment, 'moved' } end

local seq = text(head + 1)
local earlier = redis.call('SET', KEYS[2], seq, 'NX', 'GET', 'PX', IDLE_MAX)
if earlier then
  local reservation = redis.call('HGET', KEYS[1], earlier)
  if reservation then return { moment, 'pending', earlier, reservation } end
  return { moment, 'settled', earlier }
end

local looked_up, where = string.match(ARGV[1], '^(%d+)%.(%x+)$')
looked_up = tonumber(looked_up)
local refused
-- While it rested, those who had a number from the memory before may have written.
if where ~= memory or looked_up < awake or now - looked_up > LOOKED_UP_MAX then
  refused = 'stale'
elseif head >= settled + PENDING_MAX then
  refused = 'full'
end
if refused then
  redis.call('DEL', KEYS[2])
  return { moment, refused }
end

local stalled = '0'
if head > settled then
  local lowest = redis.call('HGET', KEYS[1], text(settled + 1))
  if lowest and now - tonumber(string.match(lowest, '^%d+|(%d+)|')) > STALLED_AFTER then stalled = '1' end
end

stamp = math.max(stamp + 1, now_us - STAMP_SET_BACK)
-- The room's age is set anew now and then, not with each message.
local is_due = now < kept or now - kept > IDLE_MAX / 16
if is_due then kept = now end
local written = text(stamp)
redis.call('HSET', KEYS[1],
  'room', struct.pack(ROOM, memory, awake, head + 1, settled, at, stamp, gate, kept),
  seq, written .. '|' .. text(now) .. '|' .. ARGV[2] .. '|' .. ARGV[3])
if is_due then redis.call('PEXPIRE', KEYS[1], IDLE_MAX) end
return { moment, 'given', seq, written, stalled, text(gate) }
