-- First answers to requests with an Idempotency-Key, kept for a day.
CREATE TABLE idempotency_keys (
    caller        text        NOT NULL, -- the account's id, or a guest's address
    operation     text        NOT NULL,
    key_hash      bytea       NOT NULL,
    body_hash     bytea       NOT NULL,
    claim         bigint      NOT NULL, -- whose attempt this row is
    claimed_until timestamptz NOT NULL, -- after this, an attempt without an answer is taken for dead
    created_at    timestamptz NOT NULL,
    status        smallint,             -- absent while the first request is being worked on
    content_type  text,
    body          bytea,                -- sealed under the client's key
    PRIMARY KEY (caller, operation, key_hash)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
