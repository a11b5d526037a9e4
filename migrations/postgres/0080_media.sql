-- Pictures and videos that were uploaded. The bytes are in the blob store. Owned by services/media.

CREATE TABLE media (
    id          uuid PRIMARY KEY,
    owner       uuid        NOT NULL,
    -- 1 uploading, 2 processing, 3 ready, 4 refused, 5 going: its blobs, then its row
    state       smallint    NOT NULL,
    -- As declared, then as found.
    type        text        NOT NULL,
    bytes       bigint      NOT NULL,
    -- Bytes that are kept, from the first on.
    received    bigint      NOT NULL DEFAULT 0,
    -- Attempts at processing. The one that counts is the last that began: whoever finishes names it.
    tries       smallint    NOT NULL DEFAULT 0,
    -- When somebody is to look at it: the end of an upload's time, or of an attempt's, or when it is asked whether it is used.
    due_at      timestamptz NOT NULL,
    reason      text,
    width       integer,
    height      integer,
    duration_ms bigint,
    poster      text,
    renditions  jsonb       NOT NULL DEFAULT '[]',
    created_at  timestamptz NOT NULL
);
CREATE INDEX media_due ON media (state, due_at);
-- What a person is uploading, and has uploaded today.
CREATE INDEX media_by_owner ON media (owner, created_at);

-- What was received of uploads that are not done.
CREATE TABLE media_parts (
    media uuid    NOT NULL,
    -- The offset of its first byte.
    start bigint  NOT NULL,
    bytes integer NOT NULL,
    blob  text    NOT NULL,
    PRIMARY KEY (media, start)
);
