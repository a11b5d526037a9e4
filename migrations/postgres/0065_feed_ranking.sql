-- The ranked feed: what may be recommended, what viewers like, what was served, and what was learned. Owned by services/feed.

-- Public content of accounts that are not private. A hint: who may read what is asked of its owner when a page is made.
CREATE TABLE feed_items (
    id         uuid             PRIMARY KEY,
    kind       smallint         NOT NULL,
    author     uuid             NOT NULL,
    -- Hashes of its hashtags.
    tags       bigint[]         NOT NULL,
    language   text,
    latitude   double precision,
    longitude  double precision,
    created_at timestamptz      NOT NULL,
    -- Rows of feed_acts.
    acts       bigint           NOT NULL DEFAULT 0,
    -- Each tenfold of `acts` counts as much as being twelve and a half hours newer. So it never has to be reckoned again.
    heat       double precision GENERATED ALWAYS AS
        (log(greatest(acts, 1)::double precision) + extract(epoch FROM created_at AT TIME ZONE 'UTC')::double precision / 45000) STORED
);
CREATE INDEX feed_items_hot ON feed_items (heat DESC);
CREATE INDEX feed_items_hot_by_language ON feed_items (language, heat DESC);
CREATE INDEX feed_items_by_time ON feed_items (created_at DESC);
CREATE INDEX feed_items_by_author ON feed_items (author);
CREATE INDEX feed_items_by_tag ON feed_items USING gin (tags);
CREATE INDEX feed_items_by_place ON feed_items (latitude, longitude) WHERE latitude IS NOT NULL;

-- Who did what with what, in the last days.
CREATE TABLE feed_acts (
    person  uuid        NOT NULL,
    content uuid        NOT NULL,
    -- The number of the action in the crate `rank`.
    what    smallint    NOT NULL,
    kind    smallint    NOT NULL,
    author  uuid        NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (person, content, what)
);
CREATE INDEX feed_acts_by_person ON feed_acts (person, at DESC);
CREATE INDEX feed_acts_by_content ON feed_acts (content);
CREATE INDEX feed_acts_by_time ON feed_acts (at);

CREATE TABLE feed_seen (
    viewer  uuid        NOT NULL,
    content uuid        NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (viewer, content)
);
CREATE INDEX feed_seen_by_time ON feed_seen (at);

-- Of what a viewer wants to see less.
CREATE TABLE feed_less (
    viewer  uuid        NOT NULL,
    content uuid        NOT NULL,
    kind    smallint    NOT NULL,
    author  uuid        NOT NULL,
    tags    bigint[]    NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (viewer, content)
);

-- What each viewer likes, as the crate `rank` writes it.
CREATE TABLE feed_profiles (
    viewer  uuid  PRIMARY KEY,
    profile jsonb NOT NULL
);

-- How often content and authors were shown in the ranked feed and what came of it, fading. The id is of either.
CREATE TABLE feed_tallies (
    id    uuid        PRIMARY KEY,
    shown real        NOT NULL,
    acted real[]      NOT NULL,
    at    timestamptz NOT NULL
) WITH (fillfactor = 70); -- room for updates in place

-- The order that somebody's pages are read from, for half an hour. Losing it costs no more than a new order.
CREATE UNLOGGED TABLE feed_slates (
    id       uuid        PRIMARY KEY,
    viewer   uuid        NOT NULL,
    made_at  timestamptz NOT NULL,
    request  text        NOT NULL,
    model    bigint      NOT NULL,
    -- By place.
    ids          uuid[]     NOT NULL,
    kinds        smallint[] NOT NULL,
    authors      uuid[]     NOT NULL,
    why          jsonb      NOT NULL,
    propensities real[]     NOT NULL,
    features     bytea[]    NOT NULL
);
CREATE INDEX feed_slates_by_time ON feed_slates (made_at);

-- What was served, with the features as they were then: learned from once it is known what came of it, and deleted.
CREATE TABLE feed_served (
    slate      uuid        NOT NULL,
    content    uuid        NOT NULL,
    kind       smallint    NOT NULL,
    author     uuid        NOT NULL,
    viewer     uuid        NOT NULL,
    -- The id of the request whose answer showed it.
    request    text        NOT NULL,
    place      smallint    NOT NULL,
    -- The chance that it had of this place.
    propensity real        NOT NULL,
    -- The version of the model that ranked it; 0 for the hand-weighted one.
    model      bigint      NOT NULL,
    features   bytea       NOT NULL,
    seen       boolean     NOT NULL DEFAULT false,
    -- The set of actions, a bit each.
    actions    smallint    NOT NULL DEFAULT 0,
    at         timestamptz NOT NULL,
    PRIMARY KEY (slate, content)
);
CREATE INDEX feed_served_by_viewer ON feed_served (viewer, content);
CREATE INDEX feed_served_by_time ON feed_served (at);

-- What was learned, a version a row; the newest few are kept.
CREATE TABLE feed_models (
    version      bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Of the features that it was learned from; others cannot use it.
    schema       bigint           NOT NULL,
    model        bytea            NOT NULL,
    examples     bigint           NOT NULL,
    -- How surprised it and the hand-weighted model were by examples that neither had seen, fading, and by how many.
    surprise      double precision NOT NULL,
    hand_surprise double precision NOT NULL,
    judged        double precision NOT NULL,
    -- Whether pages are ranked by it; otherwise it only learns.
    serves       boolean          NOT NULL,
    made_at      timestamptz      NOT NULL
);
