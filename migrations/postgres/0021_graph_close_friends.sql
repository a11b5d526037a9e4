-- Whom one counts among one's close friends. Owned by services/graph.

-- `source` has `target` on the list; only `source` ever learns of it.
CREATE TABLE close_friends (
    source     uuid        NOT NULL,
    target     uuid        NOT NULL CHECK (target <> source),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (source, target)
);
CREATE INDEX close_friends_by_source ON close_friends (source, created_at DESC, target DESC);
-- An account that is gone leaves every list.
CREATE INDEX close_friends_by_target ON close_friends (target, source);

ALTER TABLE graph_people ADD COLUMN close_friends bigint NOT NULL DEFAULT 0 CHECK (close_friends >= 0);
