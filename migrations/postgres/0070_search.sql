-- What trends are worked out from. Owned by services/search.

-- One row for each hashtag of each public post of the last eight days whose author's account is not private.
CREATE TABLE hashtag_uses (
    post     uuid NOT NULL,
    tag      text COLLATE "C" NOT NULL,
    author   uuid NOT NULL,
    -- ISO 639-1, where it was recognised.
    language text COLLATE "C",
    -- When the post was written.
    used_at  timestamptz NOT NULL,
    PRIMARY KEY (post, tag)
);
-- The last day, and what is too old to keep.
CREATE INDEX hashtag_uses_by_time ON hashtag_uses (used_at);
-- A hashtag's past.
CREATE INDEX hashtag_uses_by_tag ON hashtag_uses (tag, used_at);
-- An account that turns private takes its uses along.
CREATE INDEX hashtag_uses_by_author ON hashtag_uses (author);
