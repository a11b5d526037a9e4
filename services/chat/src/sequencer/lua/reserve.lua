-- KEYS: marker, room, pending, key. ARGV: lease, when the key was looked up, how old that may be, numbers that may be pending,
-- after what time one is stalled, the set-back of stamps (microseconds), idle time, and the reservation's key and payload.
if rest > 0 then return { text(now), 'resting', text(rest) } end
local room = redis.call('HMGET', KEYS[2], 'run', 'head', 'settled', 'stamp')
if room[1] ~= run then return { text(now), 'unseeded' } end
local head, settled, stamp = tonumber(room[2]), tonumber(room[3]), tonumber(room[4])

local earlier = redis.call('GET', KEYS[4])
if earlier then
  local reservation = redis.call('HGET', KEYS[3], earlier)
  if reservation then return { text(now), 'pending', earlier, reservation } end
  return { text(now), 'settled', earlier }
end

if now - tonumber(ARGV[2]) > tonumber(ARGV[3]) then return { text(now), 'stale' } end
if head >= settled + tonumber(ARGV[4]) then return { text(now), 'full' } end

local stalled = '0'
if head > settled then
  local lowest = redis.call('HGET', KEYS[3], text(settled + 1))
  if lowest and now - tonumber(string.match(lowest, '^%d+|(%d+)|')) > tonumber(ARGV[5]) then stalled = '1' end
end

head = head + 1
stamp = math.max(stamp + 1, now_us - tonumber(ARGV[6]))
redis.call('HSET', KEYS[2], 'head', text(head), 'stamp', text(stamp))
redis.call('HSET', KEYS[3], text(head), text(stamp) .. '|' .. text(now) .. '|' .. ARGV[8] .. '|' .. ARGV[9])
redis.call('SET', KEYS[4], text(head), 'PX', ARGV[7])
redis.call('PEXPIRE', KEYS[2], ARGV[7])
redis.call('PEXPIRE', KEYS[3], ARGV[7])
return { text(now), 'given', text(head), text(stamp), stalled }
