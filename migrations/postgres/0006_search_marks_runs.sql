-- A mark that is ready may speak of several documents that follow one another, such as a room's messages of a moment: from `document`
-- to `last`, both included.
ALTER TABLE search_marks ADD COLUMN last text;
