-- Rooms and who is in them.
CREATE TABLE rooms (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('direct', 'group', 'channel')),
    name text,
    -- Who may post: in a channel the owner and admins, or everybody.
    posting text NOT NULL CHECK (posting IN ('staff', 'everyone')),
    created_by uuid NOT NULL,
    -- Those who are in it now; kept by the statements that change room_members.
    member_count int NOT NULL,
    created_at timestamptz NOT NULL,
    -- Of its name and settings.
    changed_at timestamptz NOT NULL,
    -- Of a message that was said before: edited, deleted.
    history_changed_at timestamptz NOT NULL,
    -- A direct room's two, in the order of their ids.
    pair_low uuid,
    pair_high uuid,
    CHECK ((kind = 'direct') = (pair_low IS NOT NULL AND pair_high IS NOT NULL)),
    CHECK (pair_low < pair_high),
    CONSTRAINT rooms_pair_key UNIQUE (pair_low, pair_high)
);

CREATE TABLE room_members (
    room_id uuid NOT NULL REFERENCES rooms ON DELETE CASCADE,
    user_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    joined_at timestamptz NOT NULL,
    -- The row stays when its person goes, so that a device that was away learns of it.
    left_at timestamptz,
    read_seq bigint NOT NULL,
    delivered_seq bigint NOT NULL,
    muted_until timestamptz,
    -- Of anything in this row.
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (room_id, user_id)
);
CREATE INDEX room_members_by_user ON room_members (user_id) WHERE left_at IS NULL;
CREATE INDEX room_members_left ON room_members (user_id, left_at) WHERE left_at IS NOT NULL;

-- What chat keeps of a person.
CREATE TABLE room_people (
    user_id uuid PRIMARY KEY,
    -- Rooms that the person is in; kept by the statements that change room_members.
    room_count int NOT NULL DEFAULT 0,
    hide_receipts boolean NOT NULL DEFAULT false
);

-- Mentions that their person has not read yet.
CREATE TABLE room_mentions (
    user_id uuid NOT NULL,
    room_id uuid NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (user_id, room_id, seq)
);

-- The message log, where no Cassandra is configured.
CREATE TABLE message_heads (
    room_id uuid PRIMARY KEY,
    last_seq bigint NOT NULL,
    last_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE messages (
    room_id uuid NOT NULL,
    seq bigint NOT NULL,
    id uuid NOT NULL,
    sender uuid NOT NULL,
    client_id uuid NOT NULL,
    text text NOT NULL,
    reply_to bigint,
    mentions uuid[] NOT NULL,
    version int NOT NULL,
    created_at timestamptz NOT NULL,
    edited_at timestamptz,
    deleted_at timestamptz,
    PRIMARY KEY (room_id, seq),
    CONSTRAINT messages_client_id_key UNIQUE (room_id, sender, client_id)
);

CREATE TABLE message_reactions (
    room_id uuid NOT NULL,
    seq bigint NOT NULL,
    emoji text NOT NULL,
    user_id uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (room_id, seq, emoji, user_id)
);
