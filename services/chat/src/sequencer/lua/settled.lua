-- KEYS: rooms of one shard. Answers with number and time for each, or twice '' where none is known.
local answer = { moment }
for i = 1, #KEYS do
  local room = redis.call('HMGET', KEYS[i], 'memory', 'settled', 'at')
  local known = room[1] == memory
  answer[2 * i] = known and room[2] or ''
  answer[2 * i + 1] = known and room[3] or ''
end
return answer
