-- KEYS: room. A room that is not known has no gate that anybody could have seen, or gets another one when it is seeded.
if redis.call('HGET', KEYS[1], 'memory') == memory then redis.call('HINCRBY', KEYS[1], 'gate', 1) end
return { moment }
