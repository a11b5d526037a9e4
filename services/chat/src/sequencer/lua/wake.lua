-- After moment.lua. KEYS[1]: the marker of the room's shard. ARGV[1]: the lease, in milliseconds. Leaves `wake`, which answers since when the
-- shard is awake (or from when on), and how long it rests until then. A room that is of this memory was seeded when its shard was awake.
local function wake()
  local mark = redis.call('HMGET', KEYS[1], 'memory', 'since')
  if mark[1] ~= memory then
    redis.call('HSET', KEYS[1], 'memory', memory, 'since', text(now))
    mark[2] = now
  end
  local awake = tonumber(mark[2]) + ARGV[1]
  return awake, math.max(0, awake - now)
end
