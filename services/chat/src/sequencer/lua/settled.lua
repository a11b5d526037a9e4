-- KEYS: rooms of one shard. Answers with number and time for each, or twice '' where none is known.
local answer = { moment }
for i = 1, #KEYS do
  local whose, _, _, settled, at = struct.unpack(ROOM, redis.call('HGET', KEYS[i], 'room') or NONE)
  local known = whose == memory
  answer[2 * i] = known and text(settled) or ''
  answer[2 * i + 1] = known and text(at) or ''
end
return answer
