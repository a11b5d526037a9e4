-- KEYS: marker, and the rooms of its shard. Answers with a number for each room, or '' where none is known.
local answer = { text(now) }
for i = 2, #KEYS do
  local room = redis.call('HMGET', KEYS[i], 'run', 'settled')
  answer[i] = room[1] == run and room[2] or ''
end
return answer
