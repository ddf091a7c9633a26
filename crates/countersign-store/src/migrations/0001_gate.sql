-- Actions, reviews and the ledger. All times are microseconds since 1970 in UTC.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The sequencer's state: one row. `size` is the next entry's index; `syncs` only gives a sync something to write.
CREATE TABLE log_state (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    size INTEGER NOT NULL,
    nseq INTEGER NOT NULL,
    syncs INTEGER NOT NULL
) STRICT;
INSERT INTO log_state (one, size, nseq, syncs) VALUES (1, 0, 0, 0);

-- The ledger: leaves are the exact bytes that a Merkle tree will cover.
CREATE TABLE entries (
    idx       INTEGER PRIMARY KEY,
    kind      TEXT NOT NULL,
    time      INTEGER NOT NULL,
    case_id   TEXT NOT NULL,
    leaf      BLOB NOT NULL,
    leaf_hash BLOB NOT NULL
) STRICT;
CREATE INDEX entries_by_case ON entries (case_id, idx);

-- What the leaves only commit to: a JSON object of name to [salt in hexadecimal, value]. The value of `action` is null:
-- its bytes are actions.payload. Erasing here leaves every leaf as it was.
CREATE TABLE contents (
    idx  INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE actions (
    seq         INTEGER PRIMARY KEY,   -- rises, for no row is ever deleted
    id          TEXT NOT NULL UNIQUE,
    received_at INTEGER NOT NULL,
    resource    TEXT NOT NULL,
    agent       TEXT NOT NULL,
    operation   TEXT NOT NULL,
    verbs       TEXT NOT NULL,   -- ` delete read `
    decision    TEXT NOT NULL,   -- allow | review | deny
    progress    TEXT NOT NULL CHECK (progress IN ('held', 'released', 'ended')),
    review_id   TEXT,
    body        TEXT NOT NULL,   -- the action without its payload, JSON
    judged      TEXT NOT NULL,   -- the decision, JSON
    payload     BLOB NOT NULL,
    outcome     TEXT,            -- JSON
    result      BLOB,
    settled_at  INTEGER
) STRICT;
CREATE INDEX actions_like ON actions (resource, operation, seq);
CREATE INDEX actions_released ON actions (seq) WHERE progress = 'released';
CREATE INDEX actions_with_result ON actions (settled_at) WHERE result IS NOT NULL;

CREATE TABLE reviews (
    id          TEXT PRIMARY KEY,
    action_id   TEXT NOT NULL UNIQUE,
    version     INTEGER NOT NULL,
    state       TEXT NOT NULL,
    digest      BLOB NOT NULL,
    attach_key  BLOB NOT NULL,
    agent_id    TEXT NOT NULL,
    opened_at   INTEGER NOT NULL,
    deadline    INTEGER,         -- when its running clock ends
    delivered   INTEGER NOT NULL DEFAULT 0 CHECK (delivered IN (0, 1)),
    body        TEXT NOT NULL    -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX reviews_by_attach_key ON reviews (attach_key, opened_at);
CREATE INDEX reviews_by_state ON reviews (state, opened_at);
CREATE INDEX reviews_by_agent ON reviews (agent_id, state);
CREATE INDEX reviews_by_deadline ON reviews (deadline) WHERE deadline IS NOT NULL;

CREATE TABLE views (
    review_id TEXT NOT NULL,
    person    TEXT NOT NULL,
    version   INTEGER NOT NULL,
    PRIMARY KEY (review_id, person, version)
) STRICT, WITHOUT ROWID;

-- What has to be told, written with the change itself; readers follow `seq`.
CREATE TABLE outbox (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    time    INTEGER NOT NULL,
    review  TEXT NOT NULL,
    state   TEXT NOT NULL,
    version INTEGER NOT NULL
) STRICT;

CREATE TABLE idempotency (
    person  TEXT NOT NULL,
    key     TEXT NOT NULL,
    request BLOB NOT NULL,
    status  INTEGER NOT NULL,
    body    BLOB NOT NULL,
    time    INTEGER NOT NULL,
    PRIMARY KEY (person, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE definitions (
    resource    TEXT NOT NULL,
    tool        TEXT NOT NULL,
    digest      BLOB NOT NULL,
    definition  TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    PRIMARY KEY (resource, tool)
) STRICT, WITHOUT ROWID;
