-- Where posts were written, for those whose authors say so. Owned by services/content.

ALTER TABLE posts
    -- Degrees; both or neither.
    ADD COLUMN latitude   double precision,
    ADD COLUMN longitude  double precision,
    -- What the author calls the place. Only with a place.
    ADD COLUMN place_name text,
    ADD CONSTRAINT posts_place CHECK (
        (latitude IS NULL) = (longitude IS NULL) AND (place_name IS NULL OR latitude IS NOT NULL)
    );
