-- What happened, in the order of its appending. Rows are never changed.
CREATE TABLE events (
    number   INTEGER PRIMARY KEY,
    tenant   TEXT    NOT NULL,
    market   TEXT    NOT NULL,
    stream   TEXT    NOT NULL,
    subject  BLOB    NOT NULL,
    sequence INTEGER NOT NULL,
    id       BLOB    NOT NULL,
    stored   BLOB    NOT NULL,
    UNIQUE (tenant, market, stream, subject, sequence),
    UNIQUE (tenant, market, id)
) STRICT;

-- Events that have no position in their partition's log yet.
CREATE TABLE unsequenced (
    number INTEGER PRIMARY KEY REFERENCES events (number),
    tenant TEXT NOT NULL,
    market TEXT NOT NULL
) STRICT;

-- The log of each partition. Rows are never changed.
CREATE TABLE log (
    tenant   TEXT    NOT NULL,
    market   TEXT    NOT NULL,
    position INTEGER NOT NULL,
    number   INTEGER NOT NULL UNIQUE REFERENCES events (number),
    leaf     BLOB    NOT NULL,
    PRIMARY KEY (tenant, market, position)
) STRICT, WITHOUT ROWID;

-- A deleted record stays without a body, so that it never comes back with a version that was judged before.
CREATE TABLE records (
    tenant  TEXT    NOT NULL,
    market  TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    version INTEGER NOT NULL,
    body    BLOB,
    indexes TEXT    NOT NULL,
    -- When it may be forgotten, version and all.
    until_ms INTEGER,
    PRIMARY KEY (tenant, market, kind, key)
) STRICT;
CREATE INDEX records_until ON records (until_ms) WHERE until_ms IS NOT NULL;

-- What stands in `records.indexes`, turned round.
CREATE TABLE record_indexes (
    tenant TEXT NOT NULL,
    market TEXT NOT NULL,
    kind   TEXT NOT NULL,
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    key    TEXT NOT NULL,
    PRIMARY KEY (tenant, market, kind, name, value, key)
) STRICT, WITHOUT ROWID;

-- Burned nonces, codes and tokens.
CREATE TABLE spent (
    tenant    TEXT    NOT NULL,
    market    TEXT    NOT NULL,
    space     TEXT    NOT NULL,
    nonce     BLOB    NOT NULL,
    until_ms  INTEGER NOT NULL,
    PRIMARY KEY (tenant, market, space, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_until ON spent (until_ms);

-- The outbox, in the order of its appending.
CREATE TABLE effects (
    number INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    market TEXT NOT NULL,
    id     BLOB NOT NULL,
    device BLOB NOT NULL,
    stored BLOB NOT NULL,
    at_ms  INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    tries  INTEGER NOT NULL,
    UNIQUE (tenant, market, id)
) STRICT;
CREATE INDEX effects_of_device ON effects (tenant, market, device, number);

-- Durable deadlines.
CREATE TABLE timers (
    tenant  TEXT    NOT NULL,
    market  TEXT    NOT NULL,
    subject BLOB    NOT NULL,
    due_ms  INTEGER NOT NULL,
    tries   INTEGER NOT NULL,
    PRIMARY KEY (tenant, market, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX timers_due ON timers (due_ms);

-- Sealed personal data.
CREATE TABLE vault (
    tenant  TEXT NOT NULL,
    market  TEXT NOT NULL,
    subject TEXT NOT NULL,
    field   TEXT NOT NULL,
    sealed  BLOB NOT NULL,
    PRIMARY KEY (tenant, market, subject, field)
) STRICT;
