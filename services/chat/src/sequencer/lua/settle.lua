-- KEYS: room, key. ARGV: number, stamp.
-- Asks nobody whose memory this is: in one that was lost nothing is pending, and what is read of one that came back is seeded anew.
local known = redis.call('HMGET', KEYS[1], 'room', ARGV[1])
local room, reservation = known[1], known[2]
-- Of another memory, or settled already.
if not reservation or string.match(reservation, '^%d+') ~= ARGV[2] then return end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], KEEP)
local whose, awake, head, settled, at, stamp, gate, kept = struct.unpack(ROOM, room)
if tonumber(ARGV[1]) == settled + 1 then
  settled = settled + 1
  while settled < head and redis.call('HEXISTS', KEYS[1], text(settled + 1)) == 0 do settled = settled + 1 end
  redis.call('HSET', KEYS[1], 'room', struct.pack(ROOM, whose, awake, head, settled, now, stamp, gate, kept))
end
