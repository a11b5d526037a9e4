-- KEYS: marker, room. ARGV: lease. Answers with the head and every pending number with its reservation.
local fields = redis.call('HGETALL', KEYS[2])
local room, answer = {}, { moment, 'known', false }
for i = 1, #fields, 2 do
  if tonumber(fields[i]) then
    answer[#answer + 1] = fields[i]
    answer[#answer + 1] = fields[i + 1]
  else
    room[fields[i]] = fields[i + 1]
  end
end
if room.memory ~= memory then
  local _, rest = wake()
  return rest > 0 and { moment, 'resting', text(rest) } or { moment, 'unseeded' }
end
answer[3] = room.head
return answer
