-- KEYS: room. A room that is not known has no gate that anybody could have seen, or gets another one when it is seeded.
local whose, awake, head, settled, at, stamp, gate, kept = struct.unpack(ROOM, redis.call('HGET', KEYS[1], 'room') or NONE)
if whose == memory then
  redis.call('HSET', KEYS[1], 'room', struct.pack(ROOM, whose, awake, head, settled, at, stamp, gate + 1, kept))
end
return { moment }
