-- How far readers of the change stream are, and events as they leave the outbox by that stream.

-- What a consumer of the change stream has made durable. Bound to the slot that told it: a position that another slot
-- gave means nothing.
CREATE TABLE cdc_checkpoints (
    consumer text PRIMARY KEY,
    slot     text    NOT NULL,
    system   text    NOT NULL, -- PostgreSQL's number of its cluster
    timeline integer NOT NULL,
    made     bigint  NOT NULL, -- where in the log the slot began
    position bigint  NOT NULL
);

-- The slots that Plaza made in this database, so that it knows one that was made anew from the one before.
CREATE TABLE cdc_slots (
    slot    text PRIMARY KEY,
    made    bigint      NOT NULL,
    made_at timestamptz NOT NULL,
    lost_at timestamptz -- when the one before it was last found gone, or given up
);

-- `seq` is the order of insertion. `position` is the order of commits, without gaps; the reader of the change stream
-- gives it once the event is committed.
ALTER TABLE outbox RENAME COLUMN position TO seq;
DROP INDEX outbox_key;
ALTER TABLE outbox
    DROP COLUMN tries,
    DROP COLUMN due_at,
    -- Not unique: a replay repeats an event for one consumer.
    DROP CONSTRAINT outbox_id_key,
    ADD COLUMN consumer text, -- for this one only; for all, when absent
    ADD COLUMN position bigint,
    ADD COLUMN numbered_at timestamptz; -- when it got its position, by the clock of the server
CREATE UNIQUE INDEX outbox_position ON outbox (position);
CREATE INDEX outbox_without_position ON outbox (seq) WHERE position IS NULL;

-- The last position that was given.
CREATE TABLE event_head (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    position  bigint NOT NULL
);
INSERT INTO event_head (position) VALUES (0);

-- Who acts on events, and up to where each has taken them. A row is locked by the process that works for it.
CREATE TABLE event_consumers (
    name     text PRIMARY KEY,
    position bigint      NOT NULL,
    seen_at  timestamptz NOT NULL -- when a process last worked for it
);

-- Events that failed at a consumer, and later ones of the same key, which wait behind them.
CREATE TABLE event_retries (
    consumer text        NOT NULL,
    position bigint      NOT NULL,
    key      text        NOT NULL,
    due_at   timestamptz NOT NULL,
    tries    smallint    NOT NULL,
    error    text,
    PRIMARY KEY (consumer, position)
);
CREATE INDEX event_retries_key ON event_retries (consumer, key, position);
CREATE INDEX event_retries_position ON event_retries (position);

-- Events that failed every try at a consumer. `plaza events replay` gives them to it again.
CREATE TABLE event_dead (
    consumer   text        NOT NULL,
    position   bigint      NOT NULL,
    id         uuid        NOT NULL,
    kind       text        NOT NULL,
    key        text        NOT NULL,
    payload    jsonb       NOT NULL,
    trace      text,
    created_at timestamptz NOT NULL,
    tries      smallint    NOT NULL,
    died_at    timestamptz NOT NULL,
    error      text        NOT NULL,
    PRIMARY KEY (consumer, position)
);

-- What had been put aside before is tried once more.
INSERT INTO outbox (id, kind, key, payload, trace, created_at)
    SELECT id, kind, key, payload, trace, created_at FROM outbox_dead ORDER BY died_at;
DROP TABLE outbox_dead;
