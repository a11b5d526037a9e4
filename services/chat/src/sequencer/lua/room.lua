-- Where a room stands is one field, packed: a field each takes Redis three times as long. It holds the memory that it is of, since
-- when its shard is awake, the highest number given, that up to which all are settled, since when, the last stamp, the gate, and
-- when the room's age was set. NONE is one of no memory.
local ROOM = '<c16ddddddd'
local NONE = '------------------------------------------------------------------------'
