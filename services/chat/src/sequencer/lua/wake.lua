-- KEYS[1]: the marker of a shard. Leaves since when that is awake (or from when on), and how long it rests until then, in
-- milliseconds. A room that is of this memory was seeded when its shard was awake.
local mark = redis.call('HMGET', KEYS[1], 'memory', 'since')
if mark[1] ~= memory then
  redis.call('HSET', KEYS[1], 'memory', memory, 'since', text(now))
  mark[2] = now
end
local awake = tonumber(mark[2]) + LEASE
local rest = math.max(0, awake - now)
