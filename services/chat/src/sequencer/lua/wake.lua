-- Begins every script that asks or changes the memory, after clock.lua and server.lua. KEYS[1]: the marker of the room's shard. ARGV[1]:
-- the lease, in milliseconds. Leaves: `memory` (the beginning of `run`), `moment` (now, in this memory; every answer begins with it), `awake`
-- (since when, or from when on), `rest` (0 when awake).
local mark = redis.call('HMGET', KEYS[1], 'run', 'since')
if mark[1] ~= run then
  redis.call('HSET', KEYS[1], 'run', run, 'since', text(now))
  mark[2] = now
end
local memory = string.sub(run, 1, 16)
local moment = text(now) .. '.' .. memory
local awake = tonumber(mark[2]) + ARGV[1]
local rest = math.max(0, awake - now)
