-- The store's first shape. Times are milliseconds since 1970 UTC.
-- Truth: store, logs, branches, entries, wants, stored, addresses, settings, tokens, keys.
-- Views, made anew from the entries at any time: posts, channels, origins, search.

CREATE TABLE store (
    team BLOB NOT NULL,      -- the team's id
    id BLOB NOT NULL,        -- random; arrival numbers are good only with it
    views INTEGER NOT NULL,  -- which version of the code made the views; 0 while they are remade
    indexed INTEGER NOT NULL,  -- search holds every post up to this arrival
    entries INTEGER NOT NULL,
    posts INTEGER NOT NULL,
    size INTEGER NOT NULL    -- bytes of headers, signatures and payloads
);

CREATE TABLE logs (
    log INTEGER PRIMARY KEY,
    device BLOB NOT NULL,
    incarnation BLOB NOT NULL,
    kind INTEGER NOT NULL
);

CREATE TABLE branches (
    branch INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    parent INTEGER,          -- the branch that goes on below `first`
    first INTEGER NOT NULL,
    seq INTEGER NOT NULL,    -- the tip
    id BLOB NOT NULL,
    size INTEGER NOT NULL,   -- bytes of its own entries
    bound INTEGER            -- shown and served up to here; null where nothing is cut
);

CREATE TABLE entries (
    arrival INTEGER PRIMARY KEY,
    branch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    header BLOB NOT NULL,    -- without device, incarnation and kind, which the log has
    signature BLOB,          -- null where a later entry's covers it
    payload BLOB,            -- null where it is wanted
    UNIQUE (branch, seq)
);

CREATE TABLE wants (arrival INTEGER PRIMARY KEY);

-- When entries were stored first: those from `arrival` on, at `time` or up to a minute later.
CREATE TABLE stored (arrival INTEGER PRIMARY KEY, time INTEGER NOT NULL);

CREATE TABLE posts (
    arrival INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    start BLOB NOT NULL,       -- the first 12 bytes of the id: enough to order posts of one time
    log INTEGER NOT NULL,
    channel INTEGER NOT NULL,  -- 0 where the body can't be read
    reply_time INTEGER         -- of the post that it answers
);
CREATE INDEX posts_by_time ON posts (time);
CREATE INDEX posts_by_channel ON posts (channel, time, log);
CREATE INDEX posts_by_log ON posts (log, time, channel);
CREATE INDEX posts_by_reply ON posts (reply_time) WHERE reply_time IS NOT NULL;

CREATE TABLE channels (
    channel INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    posts INTEGER NOT NULL,
    newest INTEGER NOT NULL
);

CREATE TABLE origins (  -- where imported posts come from
    origin TEXT NOT NULL,
    arrival INTEGER NOT NULL,
    PRIMARY KEY (origin, arrival)
) WITHOUT ROWID;

-- rowid: arrival. Holds no text: a row is deleted by giving its old values.
-- meta: tokens for id (x and 6 hex digits), log (lg and number), channel (ch and number)
CREATE VIRTUAL TABLE search USING fts5 (
    text, source, meta,
    content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
);
-- 5,000 posts become one segment, and segments are merged by eights: 15 % faster than as it comes
INSERT INTO search (search, rank) VALUES ('hashsize', 8388608), ('automerge', 8);

CREATE TABLE addresses (
    device BLOB NOT NULL,
    address TEXT NOT NULL,
    seen INTEGER NOT NULL,
    PRIMARY KEY (device, address)
) WITHOUT ROWID;

CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,    -- separated by spaces
    made INTEGER NOT NULL,
    digest BLOB NOT NULL UNIQUE  -- of the secret
) WITHOUT ROWID;

-- What a client named a post, so that asking twice posts once.
CREATE TABLE keys (key TEXT PRIMARY KEY, arrival INTEGER NOT NULL, made INTEGER NOT NULL);
CREATE INDEX keys_by_age ON keys (made);
