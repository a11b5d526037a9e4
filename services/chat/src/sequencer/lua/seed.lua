-- After wake.lua. KEYS: marker, room. ARGV: head, and when that was settled. The gate begins at the clock, in microseconds: above all
-- that the room had before, as it moves far less often than that.
if rest > 0 then return { moment, 'resting', text(rest) } end
local whose = struct.unpack(ROOM, redis.call('HGET', KEYS[2], 'room') or NONE)
if whose == memory then return { moment, 'known' } end
local head = tonumber(ARGV[1])
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'room', struct.pack(ROOM, memory, awake, head, head, ARGV[2], 0, now_us, now))
redis.call('PEXPIRE', KEYS[2], IDLE_MAX)
return { moment, 'seeded' }
