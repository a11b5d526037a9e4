-- What people do with content, and how often it was done. Owned by services/engagement.

-- One row for each thing that was done: its key makes repeats do nothing. `what` and `value` are numbers of the table in
-- services/engagement/src/kinds.rs.
CREATE TABLE engagement_edges (
    content  uuid        NOT NULL,
    what     smallint    NOT NULL,
    -- The person; of a comment, the comment.
    actor    uuid        NOT NULL,
    -- Of the content.
    kind     smallint    NOT NULL,
    -- Whose content it is, where the change is told.
    author   uuid,
    -- Which reaction; 0 where there is no choice.
    value    smallint    NOT NULL DEFAULT 0,
    -- The value before the last change; null until there was one. What a change returns tells by it what became of what.
    was      smallint,
    text     text,
    dwell_ms bigint      NOT NULL DEFAULT 0,
    at       timestamptz NOT NULL,
    PRIMARY KEY (content, what, actor)
) WITH (
    -- Rows are many, and most are written once.
    autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_vacuum_scale_factor = 0.05
);
-- Everything of an account that goes; the ancestors of a comment.
CREATE INDEX engagement_edges_by_actor ON engagement_edges (actor, what, content);
-- What I saved.
CREATE INDEX engagement_edges_saved ON engagement_edges (actor, at DESC, content DESC) WHERE what = 2;
-- Who reacted and who shared.
CREATE INDEX engagement_edges_listed ON engagement_edges (content, what, at DESC, actor DESC) WHERE what IN (1, 3);
CREATE INDEX engagement_edges_listed_by_value ON engagement_edges (content, value, at DESC, actor DESC) WHERE what = 1;

-- How many rows there are. A count is the sum of its slots: whoever changes it writes into one of them, chosen by the connection,
-- so that many may at once. One slot alone may be below zero.
CREATE TABLE engagement_counters (
    content uuid     NOT NULL,
    what    smallint NOT NULL,
    value   smallint NOT NULL,
    slot    smallint NOT NULL,
    count   bigint   NOT NULL,
    PRIMARY KEY (content, what, value, slot)
) WITH (fillfactor = 70); -- room for updates in place

-- Content that is gone: nothing is counted for it any more, however late it comes.
CREATE TABLE engagement_gone (
    content uuid PRIMARY KEY,
    gone_at timestamptz NOT NULL
);

-- What was shown to whom by which answer, and for how long: kept for a month.
CREATE TABLE impressions (
    viewer   uuid        NOT NULL,
    content  uuid        NOT NULL,
    -- The id of the request that it was an answer to.
    request  text        NOT NULL,
    position smallint,
    dwell_ms integer     NOT NULL,
    -- The dwell before the last change; null until there was one.
    was_ms   integer,
    at       timestamptz NOT NULL,
    PRIMARY KEY (viewer, content, request)
) WITH (
    autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_vacuum_scale_factor = 0.05
);
CREATE INDEX impressions_by_time ON impressions (at);
