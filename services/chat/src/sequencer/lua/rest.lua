-- After wake.lua. KEYS: marker. How long the shard rests: 0 when it is awake.
return { moment, text(rest) }
