-- Posts. Owned by services/content.

CREATE TABLE posts (
    -- UUIDv7: the order of ids is the order of creation, so an id alone is a place in any list of posts.
    id         uuid PRIMARY KEY,
    kind       text        NOT NULL,
    author     uuid        NOT NULL,
    audience   text        NOT NULL,
    text       text        NOT NULL,
    -- [{"user": "usr_…", "start": 0, "end": 4}], [{"tag": "…", "start": 5, "end": 9}]
    mentions   jsonb       NOT NULL,
    hashtags   jsonb       NOT NULL,
    version    integer     NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    edited_at  timestamptz,
    -- Set once, and then the row says nothing any more but that there was a post.
    deleted_at timestamptz
);
CREATE INDEX posts_by_author ON posts (author, id DESC) WHERE deleted_at IS NULL;

-- The hashtags of public posts.
CREATE TABLE post_hashtags (
    tag  text COLLATE "C" NOT NULL,
    post uuid NOT NULL,
    PRIMARY KEY (tag, post)
);
CREATE INDEX post_hashtags_by_post ON post_hashtags (post);
