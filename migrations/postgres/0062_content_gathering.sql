-- Lists of what many people published of one kind look at the newest of each author. Table owned by services/content.
CREATE INDEX contents_by_author_and_kind ON contents (author, kind, id DESC) WHERE deleted_at IS NULL;
-- The newest of a kind, whoever published it.
CREATE INDEX contents_by_kind ON contents (kind, id DESC) WHERE deleted_at IS NULL AND audience = 'public';
-- Listings near a place.
CREATE INDEX contents_listings_by_place ON contents (latitude, longitude) WHERE kind = 6 AND deleted_at IS NULL;
