-- KEYS: marker, and the rooms of its shard. Answers with number and time for each room, or twice '' where none is known.
local answer = { moment }
for i = 2, #KEYS do
  local room = redis.call('HMGET', KEYS[i], 'run', 'settled', 'at')
  local known = room[1] == run
  answer[2 * i - 2] = known and room[2] or ''
  answer[2 * i - 1] = known and room[3] or ''
end
return answer
