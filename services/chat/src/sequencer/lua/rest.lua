-- How long the shard rests: 0 when it is awake.
local _, rest = wake()
return { moment, text(rest) }
