-- Begins every script. KEYS[1]: the marker of the room's shard. ARGV[1]: the lease, in milliseconds.
-- Leaves: `now_us` and `now` (milliseconds) by this server's clock, `run` (of this server), `rest` (0 when awake).
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now = math.floor(now_us / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
-- Beyond 14 digits Lua would print 1.7e+15.
local function text(n) return string.format('%.0f', n) end
local mark = redis.call('HMGET', KEYS[1], 'run', 'since')
if mark[1] ~= run then
  redis.call('HSET', KEYS[1], 'run', run, 'since', text(now))
  mark[2] = now
end
local rest = math.max(0, tonumber(mark[2]) + ARGV[1] - now)
