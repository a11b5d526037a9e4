-- After clock.lua, and `memory`. Leaves `moment`: now, in this memory. Every answer begins with it.
local moment = text(now) .. '.' .. memory
