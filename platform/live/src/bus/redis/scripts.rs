//! What happens at once in Redis.

use ::redis::{Batched, Script};

/// What all scripts on heads begin with: the clock, and which memory it is.
macro_rules! server {
    () => {
        concat!(
            r"
    local function text(number) return string.format('%d', number) end
    local time = redis.call('TIME')
    local now = math.floor(time[1] * 1000 + time[2] / 1000)
    ",
            ::redis::memory!()
        )
    };
}

/// What follows it. KEYS: head, window, held, of each topic. ARGV[1]: the heads' age in ms.
///
/// Keys live for their age after the last use, or up to a sixteenth less: their end is not moved with each use.
macro_rules! on_heads {
    ($($body:literal),+) => {
        concat!(
            r"
    local head, window, held
    local last, kept, first, at, holds
    -- Goes on with the topic whose keys begin there.
    local function open(place)
        head, window, held = KEYS[place], KEYS[place + 1], KEYS[place + 2]
        local known = redis.call('HMGET', head, 'memory', 'last', 'kept', 'first', 'seq', 'holds')
        last, kept, first, at = tonumber(known[2]), tonumber(known[3]), tonumber(known[4]), tonumber(known[5])
        holds = known[6]
        if not last or known[1] ~= memory then
            last, kept, first, at, holds = time[1] * 1000000 + time[2], nil, nil, nil, '0'
            redis.call('DEL', head, window, held)
            redis.call('HSET', head, 'memory', memory, 'last', text(last), 'holds', holds)
        end
    end
    -- Whether a sixteenth of an age has passed since the ends of keys were moved; then moves the head's.
    local function keep(age)
        if kept and now >= kept and now - kept <= tonumber(age) / 16 then return false end
        redis.call('HSET', head, 'kept', text(now))
        redis.call('PEXPIRE', head, ARGV[1])
        return true
    end
    -- Makes every position of before a lost one, by a number that no event has.
    local function lose()
        last = last + 1
        redis.call('DEL', window)
    end
    ",
            $($body),+
        )
    };
}

/// The same for those on one topic.
macro_rules! on_head {
    ($($body:literal),+) => {
        on_heads!("open(1)", $($body),+)
    };
}

/// The same for those that append. Further ARGV: the channel, the window's length, its age in ms, and the event.
macro_rules! on_window {
    ($body:literal) => {
        on_head!(
            r"
    local most, slack = tonumber(ARGV[3]), math.ceil(ARGV[3] / 8)
    local function append(draft, seq)
        last = last + 1
        local event = 'e' .. text(last) .. ' ' .. seq .. ' ' .. draft
        local length = redis.call('RPUSH', window, event)
        if length == 1 then redis.call('PEXPIRE', window, ARGV[4]) end
        -- Some at a time.
        if length > most + slack then redis.call('LTRIM', window, -most, -1) end
        redis.call('SPUBLISH', ARGV[2], event)
    end
    if keep(ARGV[4]) then redis.call('PEXPIRE', window, ARGV[4]) end
    ",
            $body
        )
    };
}

/// Where each topic stands.
pub(super) static HEADS: Script = Script::new(concat!(
    server!(),
    on_heads!(
        r"
    local stand = {}
    for topic = 1, #KEYS / 3 do
        open(3 * topic - 2)
        keep(ARGV[1])
        stand[topic] = text(last)
    end
    return stand
    "
    )
));

/// What came after ARGV[2]: the last number and the events, or nothing when they are not all there.
pub(super) static SINCE: Script = Script::new(concat!(
    server!(),
    on_head!(
        r"
    keep(ARGV[1])
    local missed = last - tonumber(ARGV[2])
    if missed < 0 or missed > tonumber(ARGV[3]) then return {} end
    if missed == 0 then return { text(last) } end
    local events = redis.call('LRANGE', window, -missed, -1)
    if #events < missed then return {} end
    table.insert(events, 1, text(last))
    return events
    "
    )
));

/// Appends ARGV[5], an event with its trace.
pub(super) static PUBLISH: Script = Script::new(concat!(
    server!(),
    on_window!(
        r"
    append(ARGV[5], '-')
    redis.call('HSET', head, 'last', text(last))
    "
    )
));

/// Appends ARGV[5], whose own number is ARGV[6], when its turn has come, and whatever waited for it; up to ARGV[7] may
/// wait. Answers the number that is missing before it, or nothing.
pub(super) static PUBLISH_IN_ORDER: Batched = Batched::new(
    server!(),
    on_window!(
        r"
    local seq = tonumber(ARGV[6])
    if not at then
        append(ARGV[5], text(seq))
        redis.call('HSET', head, 'last', text(last), 'first', text(seq), 'seq', text(seq))
        return false
    end
    if seq < first then
        lose()
        redis.call('HSET', head, 'last', text(last), 'first', text(seq))
        return false
    end
    if seq <= at then return false end
    if seq > at + 1 then
        if redis.call('HLEN', held) < tonumber(ARGV[7]) then
            redis.call('HSETNX', held, text(seq), ARGV[5])
            redis.call('PEXPIRE', held, ARGV[1])
            if holds ~= '1' then redis.call('HSET', head, 'holds', '1') end
            return text(at + 1)
        end
        -- Whoever was to fill the hole never did. Go on from here, and let everybody read anew.
        redis.call('DEL', held)
        lose()
        append(ARGV[5], text(seq))
        redis.call('HSET', head, 'last', text(last), 'first', text(seq), 'seq', text(seq), 'holds', '0')
        return false
    end
    append(ARGV[5], text(seq))
    if holds == '0' then
        redis.call('HSET', head, 'last', text(last), 'seq', text(seq))
        return false
    end
    local waited = redis.call('HGET', held, text(seq + 1))
    while waited do
        seq = seq + 1
        redis.call('HDEL', held, text(seq))
        append(waited, text(seq))
        waited = redis.call('HGET', held, text(seq + 1))
    end
    holds = redis.call('EXISTS', held) == 1 and '1' or '0'
    redis.call('HSET', head, 'last', text(last), 'seq', text(seq), 'holds', holds)
    return false
    "
    ),
    3,
    7,
);

/// Makes every position of before a lost one, by a number that no event has.
pub(in crate::bus) static LOSE: Script = Script::new(concat!(
    server!(),
    on_head!(
        r"
    keep(ARGV[1])
    lose()
    redis.call('HSET', head, 'last', text(last))
    "
    )
));

/// Delivers ARGV[2] on the channel ARGV[1] and keeps nothing. KEYS: one of the topic's, for the cluster's routing.
pub(super) static TELL: Script = Script::new("redis.call('SPUBLISH', ARGV[1], ARGV[2])");
