-- Uses of hashtags are by content of every kind. Owned by services/search.
ALTER TABLE hashtag_uses RENAME COLUMN post TO content;
