-- What slices share: events on their way out, answers that are repeated, and keys that Plaza makes for itself.

-- Events that were written in the transaction of the change that they tell of. A row is deleted once its consumers
-- have taken it; `position` is the order of commits for one key, because whoever writes for a key holds its row lock.
CREATE TABLE outbox (
    position   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         uuid        NOT NULL UNIQUE,
    kind       text        NOT NULL,
    key        text        NOT NULL,
    payload    jsonb       NOT NULL,
    trace      text,
    created_at timestamptz NOT NULL,
    tries      smallint    NOT NULL DEFAULT 0,
    due_at     timestamptz NOT NULL
);
CREATE INDEX outbox_key ON outbox (key, position);

-- Events that failed every try. Moved back by hand: insert them into `outbox` again.
CREATE TABLE outbox_dead (
    id         uuid PRIMARY KEY,
    kind       text        NOT NULL,
    key        text        NOT NULL,
    payload    jsonb       NOT NULL,
    trace      text,
    created_at timestamptz NOT NULL,
    tries      smallint    NOT NULL,
    died_at    timestamptz NOT NULL,
    error      text        NOT NULL
);

-- Keys that Plaza makes once and every node must share, such as the one that signs access tokens.
CREATE TABLE secrets (
    name       text PRIMARY KEY,
    value      bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
