-- KEYS: marker, room. ARGV: lease, head, when that was settled, idle time. The gate begins at the clock, in microseconds: above
-- all that the room had before, as it moves far less often than that.
local awake, rest = wake()
if rest > 0 then return { moment, 'resting', text(rest) } end
if redis.call('HGET', KEYS[2], 'memory') == memory then return { moment, 'known' } end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'memory', memory, 'awake', text(awake), 'head', ARGV[2], 'settled', ARGV[2], 'at', ARGV[3], 'stamp', '0',
  'gate', text(now_us), 'kept', text(now))
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return { moment, 'seeded' }
