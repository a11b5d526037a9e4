-- KEYS: room, key. ARGV: number, stamp, and how long the key is kept.
-- Asks nobody whose memory this is: in one that was lost nothing is pending, and what is read of one that came back is seeded anew.
local room = redis.call('HMGET', KEYS[1], 'head', 'settled', ARGV[1])
local reservation = room[3]
-- Of another memory, or settled already.
if not reservation or string.match(reservation, '^(%d+)|') ~= ARGV[2] then return end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local head, settled = tonumber(room[1]), tonumber(room[2])
if tonumber(ARGV[1]) == settled + 1 then
  settled = settled + 1
  while settled < head and redis.call('HEXISTS', KEYS[1], text(settled + 1)) == 0 do settled = settled + 1 end
  redis.call('HSET', KEYS[1], 'settled', text(settled), 'at', text(now))
end
