-- Which content shows an upload. Owned by services/content.
CREATE INDEX contents_by_media ON contents USING gin (media) WHERE deleted_at IS NULL AND media <> '{}';
