-- How people want their feed. Owned by services/feed.
CREATE TABLE feed_preferences (
    viewer   uuid PRIMARY KEY,
    -- Whether the feed is that of those followed; otherwise it is ranked.
    following boolean NOT NULL,
    language  text,
    -- Latitude, longitude.
    near      text
);
