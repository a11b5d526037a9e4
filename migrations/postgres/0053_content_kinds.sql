-- What only some kinds of content have. Owned by services/content.

ALTER TABLE contents
    -- Uploads, in the order of their author.
    ADD COLUMN media          uuid[] NOT NULL DEFAULT '{}',
    -- Of a comment: what it answers, what the thread is about, and how far below that it stands (1: right below).
    ADD COLUMN parent         uuid,
    ADD COLUMN parent_kind    smallint,
    ADD COLUMN root           uuid,
    ADD COLUMN root_kind      smallint,
    ADD COLUMN depth          smallint,
    ADD COLUMN title          text,
    -- Of a livestream.
    ADD COLUMN state          text,
    -- Of a listing. The amount is in the smallest unit of the currency.
    ADD COLUMN price_amount   bigint,
    ADD COLUMN price_currency text,
    ADD COLUMN availability   text,
    -- From then on nobody reads it; soon after, it is deleted.
    ADD COLUMN expires_at     timestamptz,
    ADD CONSTRAINT contents_thread CHECK (
        (kind = 4) = (parent IS NOT NULL)
        AND num_nulls(parent, parent_kind, root, root_kind, depth) IN (0, 5)
    );

-- What is listed at its author and in feeds; comments (4) and stories (3) are listed by kind.
DROP INDEX contents_by_author;
CREATE INDEX contents_by_author ON contents (author, id DESC) WHERE deleted_at IS NULL AND kind NOT IN (3, 4);
-- Building the search index goes through a kind.
CREATE INDEX contents_scan ON contents (kind, id) WHERE deleted_at IS NULL;
CREATE INDEX contents_by_parent ON contents (parent, id) WHERE parent IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX contents_by_root ON contents (root, id) WHERE root IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX contents_by_end ON contents (expires_at) WHERE expires_at IS NOT NULL AND deleted_at IS NULL;
