//! What happens at once in Redis.
//!
//! Scripts share their text and not functions, which Lua would make anew with each run.

use ::redis::{Batched, Numbers, Script};

use crate::bus::{HEAD_AGE, HELD_MAX};

/// What the scripts know: how long heads live, in milliseconds, and how many events may wait for their turn.
const NUMBERS: Numbers = &[("HEAD_AGE", HEAD_AGE.as_millis()), ("HELD_MAX", HELD_MAX as u128)];

/// KEYS: stand, window, held. Leaves where the topic stands, which is packed: a field each takes Redis three times as long.
macro_rules! open {
    () => {
        r"
    -- The memory, the last number, when the age was set, the first and the last of the topic's own numbers (0: none), and whether any
    -- events are held. NONE is of no memory.
    local STAND = '<c16ddddd'
    local NONE = '--------------------------------------------------------'
    local stand, window, held = KEYS[1], KEYS[2], KEYS[3]
    local whose, last, kept, first, at, holds = struct.unpack(STAND, redis.call('GET', stand) or NONE)
    if whose ~= memory then
        last, kept, first, at, holds = now_us, 0, 0, 0, 0
        redis.call('DEL', window, held)
    end
    "
    };
}

/// Leaves whether the ends of keys are to be moved: a sixteenth of an age, in milliseconds, has passed since that was done. So they
/// live for their age after the last use, or up to a sixteenth less.
macro_rules! keep {
    ($age:literal) => {
        concat!(
            "
    local is_due = now < kept or now - kept > ",
            $age,
            " / 16
    if is_due then kept = now end
    "
        )
    };
}

/// The same for the age of a window, whose end it moves.
macro_rules! keep_window {
    () => {
        concat!(keep!("ARGV[3]"), "if is_due then redis.call('PEXPIRE', window, ARGV[3]) end\n")
    };
}

/// Writes where the topic stands now.
macro_rules! save {
    () => {
        r"
    local stands = struct.pack(STAND, memory, last, kept, first, at, holds)
    if is_due then redis.call('SET', stand, stands, 'PX', HEAD_AGE) else redis.call('SET', stand, stands, 'KEEPTTL') end
    "
    };
}

/// Appends an event, `draft`, under its own number, `own`. ARGV: the channel, the window's length, and its age in ms.
macro_rules! append {
    () => {
        r"
    last = last + 1
    local event = 'e' .. text(last) .. ' ' .. own .. ' ' .. draft
    local length = redis.call('RPUSH', window, event)
    if length == 1 then redis.call('PEXPIRE', window, ARGV[3]) end
    -- Some at a time.
    if length > ARGV[2] * 1.125 then redis.call('LTRIM', window, -ARGV[2], -1) end
    redis.call('SPUBLISH', ARGV[1], event)
    "
    };
}

/// Makes every position of before a lost one, by a number that no event has.
macro_rules! lose {
    () => {
        r"
    last = last + 1
    redis.call('DEL', window)
    "
    };
}

macro_rules! script {
    ($($part:expr),+) => { Script::new(concat!(::redis::server!(), $($part),+)).with(NUMBERS) };
}

/// Where each topic stands. KEYS: stand, window, held, of each.
pub(super) static HEADS: Script = script!(
    "
    local all, answer = KEYS, {}
    for place = 1, #all, 3 do
        local KEYS = { unpack(all, place, place + 2) }
    ",
    open!(),
    keep!("HEAD_AGE"),
    "if is_due then",
    save!(),
    "end
        answer[#answer + 1] = text(last)
    end
    return answer"
);

/// What came after ARGV[1]: the last number and the events, or nothing when they are not all there. ARGV[2]: the window's length.
pub(super) static SINCE: Script = script!(
    open!(),
    keep!("HEAD_AGE"),
    "if is_due then",
    save!(),
    "end
    local missed = last - ARGV[1]
    if missed < 0 or missed > tonumber(ARGV[2]) then return {} end
    if missed == 0 then return { text(last) } end
    local events = redis.call('LRANGE', window, -missed, -1)
    if #events < missed then return {} end
    table.insert(events, 1, text(last))
    return events"
);

/// Appends ARGV[4], an event with its trace.
pub(super) static PUBLISH: Script =
    script!(open!(), keep_window!(), "local draft, own = ARGV[4], '-'", append!(), save!());

/// Appends ARGV[4], whose own number is ARGV[5], when its turn has come, and whatever waited for it. Answers the number that is
/// missing before it, or nothing.
pub(super) static PUBLISH_IN_ORDER: Batched = Batched::new(
    concat!(
        open!(),
        keep_window!(),
        r"
    local answer
    local seq, draft = tonumber(ARGV[5]), ARGV[4]
    if first == 0 then first, at = seq, seq - 1 end
    local is_next = seq == at + 1
    if seq < first then",
        lose!(),
        r"first = seq
    elseif seq > at + 1 and redis.call('HLEN', held) < HELD_MAX then
        redis.call('HSETNX', held, ARGV[5], draft)
        redis.call('PEXPIRE', held, HEAD_AGE)
        holds, answer = 1, text(at + 1)
    elseif seq > at + 1 then
        -- Whoever was to fill the hole never did. Go on from here, and let everybody read anew.
        redis.call('DEL', held)",
        lose!(),
        r"holds, is_next = 0, true
    end
    if is_next then
        at = seq
        while draft do
            local own = text(at)",
        append!(),
        r"draft = holds == 1 and redis.call('HGET', held, text(at + 1))
            if draft then
                at = at + 1
                redis.call('HDEL', held, text(at))
            end
        end
        if holds == 1 then holds = redis.call('EXISTS', held) end
    end",
        save!(),
        "return answer"
    ),
    3,
    5,
)
.with(NUMBERS);

/// Makes every position of before a lost one.
pub(in crate::bus) static LOSE: Script = script!(open!(), keep!("HEAD_AGE"), lose!(), save!());

/// Delivers ARGV[2] on the channel ARGV[1] and keeps nothing. KEYS: one of the topic's, for the cluster's routing.
pub(super) static TELL: Script = Script::new("redis.call('SPUBLISH', ARGV[1], ARGV[2])");
