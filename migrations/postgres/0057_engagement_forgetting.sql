-- What is left of content that is gone is removed a batch at a time, beside everything else. Owned by services/engagement.
ALTER TABLE engagement_gone ADD COLUMN forgotten boolean NOT NULL DEFAULT true; -- what went before has been
ALTER TABLE engagement_gone ALTER COLUMN forgotten SET DEFAULT false;
CREATE INDEX engagement_gone_left ON engagement_gone (gone_at) WHERE NOT forgotten;
