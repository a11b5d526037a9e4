-- Who follows, asks, blocks and mutes whom. Owned by services/graph.

-- One row a person: exact counts, and the lock that whoever changes anything between two people takes on both, in the
-- order of their ids.
CREATE TABLE graph_people (
    user_id         uuid PRIMARY KEY,
    followers       bigint NOT NULL DEFAULT 0 CHECK (followers >= 0),
    following       bigint NOT NULL DEFAULT 0 CHECK (following >= 0),
    requests_in     bigint NOT NULL DEFAULT 0 CHECK (requests_in >= 0),
    requests_out    bigint NOT NULL DEFAULT 0 CHECK (requests_out >= 0),
    blocks          bigint NOT NULL DEFAULT 0 CHECK (blocks >= 0),
    mutes           bigint NOT NULL DEFAULT 0 CHECK (mutes >= 0)
) WITH (fillfactor = 70); -- room for updates in place

-- In each table `source` acts on `target`. Lists are read newest first, from either end.
CREATE TABLE follows (
    source     uuid        NOT NULL,
    target     uuid        NOT NULL CHECK (target <> source),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (source, target)
);
CREATE INDEX follows_by_source ON follows (source, created_at DESC, target DESC);
CREATE INDEX follows_by_target ON follows (target, created_at DESC, source DESC);
-- Fan-out reads followers in the order of their ids.
CREATE INDEX follows_fan_out ON follows (target, source);

CREATE TABLE follow_requests (
    source     uuid        NOT NULL,
    target     uuid        NOT NULL CHECK (target <> source),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (source, target)
);
CREATE INDEX follow_requests_by_source ON follow_requests (source, created_at DESC, target DESC);
CREATE INDEX follow_requests_by_target ON follow_requests (target, created_at DESC, source DESC);

CREATE TABLE blocks (
    source     uuid        NOT NULL,
    target     uuid        NOT NULL CHECK (target <> source),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (source, target)
);
CREATE INDEX blocks_by_source ON blocks (source, created_at DESC, target DESC);
CREATE INDEX blocks_by_target ON blocks (target, source);

CREATE TABLE mutes (
    source     uuid        NOT NULL,
    target     uuid        NOT NULL CHECK (target <> source),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (source, target)
);
CREATE INDEX mutes_by_source ON mutes (source, created_at DESC, target DESC);
CREATE INDEX mutes_by_target ON mutes (target, source);
