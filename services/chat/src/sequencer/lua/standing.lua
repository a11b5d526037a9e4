-- KEYS: room. Answers with the head and every pending number with its reservation.
local fields = redis.call('HGETALL', KEYS[1])
local room, answer = NONE, { moment, 'known', false }
for i = 1, #fields, 2 do
  if fields[i] == 'room' then
    room = fields[i + 1]
  else
    answer[#answer + 1] = fields[i]
    answer[#answer + 1] = fields[i + 1]
  end
end
local whose, _, head = struct.unpack(ROOM, room)
if whose ~= memory then return { moment, 'unknown' } end
answer[3] = text(head)
return answer
