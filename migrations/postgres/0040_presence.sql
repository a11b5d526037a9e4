-- Who wants to be seen how, and who was last here when. Owned by services/presence.

-- Only of people who chose otherwise than the defaults.
CREATE TABLE presence_settings (
    user_id            uuid        PRIMARY KEY,
    last_seen_audience text        NOT NULL DEFAULT 'followers' CHECK (last_seen_audience IN ('everyone', 'followers', 'nobody')),
    invisible          boolean     NOT NULL DEFAULT false,
    updated_at         timestamptz NOT NULL
);

-- Apart from the settings, because it is written by the thousand, and only ever moves on.
CREATE TABLE presence_last_seen (
    user_id uuid        PRIMARY KEY,
    at      timestamptz NOT NULL
) WITH (fillfactor = 70); -- room for updates in place
