//! What happens at once in Redis.

use ::redis::Script;

/// What all scripts on a head begin with. KEYS: head, window, held. ARGV[1]: the head's age in ms. Scripts that publish
/// go on with the channel, the window's length, its age in ms, and the event.
macro_rules! with_head {
    ($body:literal) => {
        concat!(
            r"
    local head, window, held = KEYS[1], KEYS[2], KEYS[3]
    local server = redis.call('INFO', 'server')
    local _, id = string.find(server, 'run_id:', 1, true)
    local run = string.sub(server, id + 1, id + 40)
    local last, made_by = unpack(redis.call('HMGET', head, 'last', 'run'))
    if not last or made_by ~= run then
        local time = redis.call('TIME')
        last = string.format('%.0f', time[1] * 1000000 + time[2])
        redis.call('DEL', head, window, held)
        redis.call('HSET', head, 'last', last, 'run', run)
    end
    redis.call('PEXPIRE', head, ARGV[1])
    ",
            $body
        )
    };
}

/// Where the topic stands.
pub(super) static HEAD: Script = Script::new(with_head!("return last"));

/// What came after ARGV[2]: the last number and the events, or nothing when they are not all there.
pub(super) static SINCE: Script = Script::new(with_head!(
    r"
    local missed = tonumber(last) - tonumber(ARGV[2])
    if missed < 0 or missed > tonumber(ARGV[3]) then return {} end
    if missed == 0 then return { last } end
    local events = redis.call('LRANGE', window, -missed, -1)
    if #events < missed then return {} end
    table.insert(events, 1, last)
    return events
    "
));

/// Appends ARGV[5], an event with its trace.
pub(super) static PUBLISH: Script = Script::new(with_head!(
    r"
    local offset = string.format('%.0f', redis.call('HINCRBY', head, 'last', 1))
    local event = 'e' .. offset .. ' - ' .. ARGV[5]
    redis.call('RPUSH', window, event)
    redis.call('LTRIM', window, -tonumber(ARGV[3]), -1)
    redis.call('PEXPIRE', window, ARGV[4])
    redis.call('SPUBLISH', ARGV[2], event)
    "
));

/// Appends ARGV[5], whose own number is ARGV[6], when its turn has come, and whatever waited for it; up to ARGV[7] may
/// wait. Answers the number that is missing before it, or nothing.
pub(super) static PUBLISH_IN_ORDER: Script = Script::new(with_head!(
    r"
    local function append(seq, draft)
        local offset = string.format('%.0f', redis.call('HINCRBY', head, 'last', 1))
        local event = 'e' .. offset .. ' ' .. string.format('%.0f', seq) .. ' ' .. draft
        redis.call('RPUSH', window, event)
        redis.call('LTRIM', window, -tonumber(ARGV[3]), -1)
        redis.call('PEXPIRE', window, ARGV[4])
        redis.call('SPUBLISH', ARGV[2], event)
    end
    -- Makes every position of before a lost one, by a number that no event has.
    local function lose()
        redis.call('HINCRBY', head, 'last', 1)
        redis.call('DEL', window)
    end
    local function text(number) return string.format('%.0f', number) end

    local seq = tonumber(ARGV[6])
    local first, at = unpack(redis.call('HMGET', head, 'first', 'seq'))
    if not at then
        redis.call('HSET', head, 'first', text(seq), 'seq', text(seq))
        append(seq, ARGV[5])
        return false
    end
    first, at = tonumber(first), tonumber(at)
    if seq < first then
        redis.call('HSET', head, 'first', text(seq))
        lose()
        return false
    end
    if seq <= at then return false end
    if seq > at + 1 then
        if redis.call('HLEN', held) < tonumber(ARGV[7]) then
            redis.call('HSETNX', held, text(seq), ARGV[5])
            redis.call('PEXPIRE', held, ARGV[1])
            return text(at + 1)
        end
        -- Whoever was to fill the hole never did. Go on from here, and let everybody read anew.
        redis.call('DEL', held)
        redis.call('HSET', head, 'first', text(seq), 'seq', text(seq))
        lose()
        append(seq, ARGV[5])
        return false
    end
    local draft = ARGV[5]
    while draft do
        at = at + 1
        append(at, draft)
        draft = redis.call('HGET', held, text(at + 1))
        if draft then redis.call('HDEL', held, text(at + 1)) end
    end
    redis.call('HSET', head, 'seq', text(at))
    return false
    "
));

/// Makes every position of before a lost one, by a number that no event has.
pub(in crate::bus) static LOSE: Script = Script::new(with_head!(
    r"
    redis.call('HINCRBY', head, 'last', 1)
    redis.call('DEL', window)
    "
));

/// Delivers ARGV[2] on the channel ARGV[1] and keeps nothing. KEYS: one of the topic's, for the cluster's routing.
pub(super) static TELL: Script = Script::new("redis.call('SPUBLISH', ARGV[1], ARGV[2])");
