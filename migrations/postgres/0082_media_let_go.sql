-- Owned by services/media.
-- Its owner wants it no more: nothing new shows it, and it goes once nothing does.
ALTER TABLE media ADD COLUMN let_go boolean NOT NULL DEFAULT false;
