-- KEYS: marker, room, pending, key. ARGV: lease, number, stamp, and how long the key is kept.
local reservation = redis.call('HGET', KEYS[3], ARGV[2])
-- Of another memory, or settled already.
if not reservation or string.match(reservation, '^(%d+)|') ~= ARGV[3] then return { text(now) } end
redis.call('HDEL', KEYS[3], ARGV[2])
redis.call('PEXPIRE', KEYS[4], ARGV[4])
local room = redis.call('HMGET', KEYS[2], 'head', 'settled')
local head, settled = tonumber(room[1]), tonumber(room[2])
if tonumber(ARGV[2]) == settled + 1 then
  settled = settled + 1
  while settled < head and redis.call('HEXISTS', KEYS[3], text(settled + 1)) == 0 do settled = settled + 1 end
  redis.call('HSET', KEYS[2], 'settled', text(settled), 'at', text(now))
end
return { text(now) }
