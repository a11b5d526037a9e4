-- Timelines and what fills them. Owned by services/feed.

-- What was pushed to whom, unless Cassandra keeps it. Ids are UUIDv7: the newest have the highest.
CREATE TABLE timelines (
    viewer uuid     NOT NULL,
    id     uuid     NOT NULL,
    author uuid     NOT NULL,
    kind   smallint NOT NULL,
    -- A page is read from the index alone, once its part of the table has been vacuumed.
    PRIMARY KEY (viewer, id) INCLUDE (author, kind)
) WITH (
    -- Rows are written once: vacuum must not wait until a fifth of a huge table is dead.
    autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_vacuum_scale_factor = 0.05
);

-- Authors whose posts are, or once were, pulled by readers. A row is never deleted: what was posted while pulled is
-- found by pulling only.
CREATE TABLE feed_authors (
    author   uuid PRIMARY KEY,
    -- Whether new posts are pushed again, beside being pulled.
    pushed   boolean     NOT NULL,
    since    timestamptz NOT NULL
);

-- Work that is too long for one event, or that failed: done a step at a time, by any worker, as often as it takes.
CREATE TABLE feed_jobs (
    id     uuid PRIMARY KEY,
    task   jsonb       NOT NULL,
    -- The last follower who was served.
    after  uuid,
    tries  integer     NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL
);
CREATE INDEX feed_jobs_due ON feed_jobs (due_at);
