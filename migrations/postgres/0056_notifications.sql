-- Inboxes. Owned by services/notifications.

-- A line of an inbox: what some people did with one thing within one day.
CREATE TABLE notifications (
    id          uuid PRIMARY KEY,
    recipient   uuid        NOT NULL,
    what        smallint    NOT NULL, -- a number of services/notifications/src/model.rs
    -- The content; all zeros, without a kind, where there is none.
    target      uuid        NOT NULL,
    target_kind smallint,
    day         integer     NOT NULL, -- since 1970, in UTC
    acts        integer     NOT NULL DEFAULT 0,
    at          timestamptz NOT NULL, -- of the last act
    UNIQUE (recipient, what, target, day)
) WITH (fillfactor = 80); -- room for updates in place
CREATE INDEX notifications_inbox ON notifications (recipient, at DESC, id DESC);
CREATE INDEX notifications_by_target ON notifications (target) WHERE target_kind IS NOT NULL;

-- Who did it. The key makes it happen once.
CREATE TABLE notification_acts (
    notification uuid        NOT NULL REFERENCES notifications (id) ON DELETE CASCADE,
    actor        uuid        NOT NULL,
    -- The comment; all zeros, without a kind, where the act leaves nothing.
    item         uuid        NOT NULL,
    item_kind    smallint,
    value        smallint    NOT NULL, -- which reaction
    at           timestamptz NOT NULL,
    PRIMARY KEY (notification, actor, item)
);
CREATE INDEX notification_acts_latest ON notification_acts (notification, at DESC, actor DESC);
CREATE INDEX notification_acts_by_actor ON notification_acts (actor);
CREATE INDEX notification_acts_by_item ON notification_acts (item) WHERE item_kind IS NOT NULL;

-- Up to when somebody has read.
CREATE TABLE notification_marks (
    recipient  uuid PRIMARY KEY,
    read_until timestamptz NOT NULL
);
