-- A mark may speak of a document and not of one alone: of all that come after it in its group, such as a room's messages after a
-- number. Such a mark is never told; it is there for the sweep, in case that its writer dies.
ALTER TABLE search_marks ADD COLUMN onward boolean NOT NULL DEFAULT false;
