-- After clock.lua, where it matters whose memory this is. Leaves `run` (of this server).
local server = redis.call('INFO', 'server')
local _, at = string.find(server, 'run_id:', 1, true)
local run = string.sub(server, at + 1, at + 40)
