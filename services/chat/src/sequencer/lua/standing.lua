-- KEYS: marker, room, pending. Answers with the head and every pending number with its reservation.
if rest > 0 then return { moment, 'resting', text(rest) } end
local room = redis.call('HMGET', KEYS[2], 'run', 'head')
if room[1] ~= run then return { moment, 'unseeded' } end
local answer = redis.call('HGETALL', KEYS[3])
table.insert(answer, 1, room[2])
table.insert(answer, 1, 'known')
table.insert(answer, 1, moment)
return answer
