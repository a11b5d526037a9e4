-- Ranked pools of reels, one a minute while anybody asks, kept while somebody may page through them. Owned by services/feed.
CREATE TABLE feed_reel_pools (
    number bigint PRIMARY KEY,
    -- The best first.
    reels  uuid[] NOT NULL
);
