-- How popular people and content are, as search weighs it: beside what it finds them by, so that a change of either is told by the
-- same row. Owned by services/accounts and services/content.

-- 0 for none; n for 2^(n-1) to 2^n - 1 followers, or reactions, shares and saves.
ALTER TABLE accounts ADD COLUMN popularity smallint NOT NULL DEFAULT 0;
ALTER TABLE contents ADD COLUMN popularity smallint NOT NULL DEFAULT 0;

-- What was counted before.
UPDATE accounts SET popularity = length(ltrim(followers::bit(64)::text, '0'))
FROM graph_people WHERE user_id = id AND followers > 0 AND deleted_at IS NULL;

UPDATE contents SET popularity = length(ltrim(counted.n::bit(64)::text, '0'))
FROM (SELECT content, sum(count)::bigint AS n FROM engagement_counters WHERE what IN (1, 2, 3) GROUP BY content) counted
WHERE counted.content = id AND counted.n > 0 AND deleted_at IS NULL;
