-- Begins every script. Leaves `now_us` and `now` (milliseconds), by this server's clock, and `text` for numbers.
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now = math.floor(now_us / 1000)
-- Beyond 14 digits Lua would print 1.7e+15. As an integer it is written in half of the time.
local function text(n) return string.format('%d', n) end
