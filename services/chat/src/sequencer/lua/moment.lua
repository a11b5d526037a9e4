-- After redis::server!. Leaves `moment`: now, in this memory. Every answer but that to settle.lua begins with it.
local moment = text(now) .. '.' .. memory
