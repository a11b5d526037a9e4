-- Accounts, the sessions of their devices, and the keys that sign access tokens. Owned by services/accounts.

CREATE TABLE accounts (
    id            uuid PRIMARY KEY,
    -- Lower case. Stays with a deleted account, so that nobody can take over another's name.
    handle        text        NOT NULL CONSTRAINT accounts_handle UNIQUE,
    name          text        NOT NULL,
    bio           text        NOT NULL DEFAULT '',
    private       boolean     NOT NULL DEFAULT false,
    -- A PHC string (argon2id), which says its own parameters. Empty once the account is deleted.
    password_hash text        NOT NULL,
    -- Access tokens of another version are refused.
    token_version integer     NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    deleted_at    timestamptz
);

-- One log-in of one device. Refresh tokens are known by their hashes only: the one that is current, and the one that it
-- replaced at `rotated_at`. Older ones need not be kept, because a token proves by itself that it belongs here.
CREATE TABLE sessions (
    id           uuid PRIMARY KEY,
    user_id      uuid        NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    device       text        NOT NULL,
    platform     text        NOT NULL,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    refresh_hash bytea       NOT NULL,
    retired_hash bytea,
    rotated_at   timestamptz
);
CREATE INDEX sessions_alive ON sessions (user_id, last_seen_at DESC) WHERE revoked_at IS NULL;
CREATE INDEX sessions_expired ON sessions (expires_at);
CREATE INDEX sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

-- Keys that sign access tokens, shared by all nodes. The newest signs; each verifies until `retires_at`.
CREATE TABLE signing_keys (
    kid        text PRIMARY KEY,
    value      bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    retires_at timestamptz
);
-- At most one key signs: two nodes that start at once make one.
CREATE UNIQUE INDEX signing_keys_current ON signing_keys ((retires_at IS NULL)) WHERE retires_at IS NULL;
