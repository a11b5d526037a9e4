-- How content reaches its readers: decided by author and kind, and by how often viewers open the feed. Owned by services/feed.

-- What is decided for an author's content of one kind. Without a row: pushed to everybody.
CREATE TABLE feed_routes (
    author       uuid        NOT NULL,
    kind         smallint    NOT NULL,
    -- The lowest class of viewers that is pushed to; one beyond the highest class is nobody.
    reach        smallint    NOT NULL,
    -- The highest that `reach` ever was: what was published before `since` may have been pushed to no class below.
    reach_worst  smallint    NOT NULL,
    -- From then on, everything is pushed to `reach`, until `reach` rises.
    since        timestamptz NOT NULL,
    -- How often the author publishes: so often a day at `counted_at`, fading after that.
    rate         double precision NOT NULL,
    counted_at   timestamptz NOT NULL,
    followers    bigint      NOT NULL,
    checked_at   timestamptz NOT NULL,
    PRIMARY KEY (author, kind)
);
-- Those whose decision is to be looked at again although they publish nothing.
CREATE INDEX feed_routes_due ON feed_routes (checked_at) WHERE reach > 0;

-- How often viewers open the feed. Without a row: hardly ever.
CREATE TABLE feed_viewers (
    viewer       uuid PRIMARY KEY,
    class        smallint    NOT NULL,
    -- The lowest that `class` ever was: what was published before `since` may have been pushed to classes above only.
    class_worst  smallint    NOT NULL,
    since        timestamptz NOT NULL,
    -- So often a day at `counted_at`, fading after that.
    opens        double precision NOT NULL,
    counted_at   timestamptz NOT NULL
) WITH (fillfactor = 80); -- room for updates in place
CREATE INDEX feed_viewers_due ON feed_viewers (counted_at) WHERE class > 0;

-- What pushing and pulling take, as processes have measured.
CREATE TABLE feed_costs (
    what text PRIMARY KEY,
    us   double precision NOT NULL
);

-- Authors who were pulled stay pulled, and those who were pushed again are still pulled for what is older.
INSERT INTO feed_routes (author, kind, reach, reach_worst, since, rate, counted_at, followers, checked_at)
    SELECT author, 1, CASE WHEN pushed THEN 0 ELSE 4 END, 4, since, 0, since, 0, since FROM feed_authors;
DROP TABLE feed_authors;

-- What is still to be done, in the words of now.
UPDATE feed_jobs SET task = (task - 'post') || jsonb_build_object('content', task -> 'post') WHERE task ? 'post';
