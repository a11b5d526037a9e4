-- After clock.lua, where it matters whose memory this is. Leaves `memory`, the beginning of the server's replication id, which is another one
-- after a restart, a restore or a failover, and `moment`: now, in this memory. Every answer begins with it.
local server = redis.call('INFO', 'replication')
local _, at = string.find(server, 'master_replid:', 1, true)
local memory = string.sub(server, at + 1, at + 16)
local moment = text(now) .. '.' .. memory
