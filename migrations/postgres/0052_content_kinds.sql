-- Posts become one kind of content among several: one table for all of them. Owned by services/content.

ALTER TABLE posts RENAME TO contents;
ALTER TABLE contents RENAME CONSTRAINT posts_pkey TO contents_pkey;
ALTER TABLE contents RENAME CONSTRAINT posts_place TO contents_place;
ALTER INDEX posts_by_author RENAME TO contents_by_author;
-- kernel::ContentKind::number. All that there was were posts.
ALTER TABLE contents ALTER COLUMN kind TYPE smallint USING 1;

ALTER TABLE post_hashtags RENAME TO content_hashtags;
ALTER TABLE content_hashtags RENAME COLUMN post TO content;
ALTER TABLE content_hashtags RENAME CONSTRAINT post_hashtags_pkey TO content_hashtags_pkey;
ALTER INDEX post_hashtags_by_post RENAME TO content_hashtags_by_content;

-- What was written before, and is still to be acted upon, in the words of now.
UPDATE outbox SET
    kind = replace(kind, 'post.', 'content.'),
    payload = (payload - 'post') || jsonb_build_object('content', payload -> 'post', 'kind', 'post')
WHERE kind IN ('post.created', 'post.edited', 'post.deleted');
UPDATE event_dead SET
    kind = replace(kind, 'post.', 'content.'),
    payload = (payload - 'post') || jsonb_build_object('content', payload -> 'post', 'kind', 'post')
WHERE kind IN ('post.created', 'post.edited', 'post.deleted');
