-- What the search pipeline keeps: where its index stands, what it was asked to do, what an engine refused.

-- How far the index has followed the tables, and which of its generations is read and which is being built. One row for each
-- consumer of the change stream that keeps an index.
CREATE TABLE search_state (
    consumer text PRIMARY KEY,
    -- Raised by whoever takes the index over; who comes with an older one writes nothing any more.
    epoch    bigint      NOT NULL,
    state    jsonb       NOT NULL,
    saved_at timestamptz NOT NULL
);

-- Kinds of documents that are to be built anew, until the build has begun.
CREATE TABLE search_requests (
    consumer     text        NOT NULL,
    kind         text        NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, kind)
);

-- Documents that could not be read, or that the engine refused for what is in them. A row goes when its document is
-- written after all.
CREATE TABLE search_dead (
    consumer text        NOT NULL,
    kind     text        NOT NULL,
    id       text        NOT NULL,
    reason   text        NOT NULL,
    tries    integer     NOT NULL DEFAULT 1,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, kind, id)
);

-- Documents to read again, although none of their tables changes: a row that is made or changed here goes through the
-- change stream like any other. Messages that are kept outside of PostgreSQL are marked before they are written, and
-- marked again, as `ready`, when they can be read.
CREATE TABLE search_marks (
    id        uuid PRIMARY KEY,
    kind      text        NOT NULL,
    document  text        NOT NULL,
    -- `again`: to be read once more, much later.
    hint      text        NOT NULL DEFAULT '',
    ready     boolean     NOT NULL,
    marked_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX search_marks_age ON search_marks (marked_at);
