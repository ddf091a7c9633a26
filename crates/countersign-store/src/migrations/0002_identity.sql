-- People, their sessions and passkeys, and agents. All times are microseconds since 1970 in UTC. Secrets are kept
-- only as SHA-256 values.

CREATE TABLE people (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    name_key   TEXT NOT NULL UNIQUE,  -- lower case, so that no two people look alike; kept after removal
    groups     TEXT NOT NULL,         -- JSON array
    created_at INTEGER NOT NULL,
    removed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    person     TEXT NOT NULL REFERENCES people (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    spent_at   INTEGER                -- used, or ended by a later invitation or the person's removal
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_by_person ON invitations (person);

CREATE TABLE sessions (
    token_hash   BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    id           TEXT NOT NULL UNIQUE,
    person       TEXT NOT NULL REFERENCES people (id),
    assurance    TEXT NOT NULL CHECK (assurance IN ('session', 'passkey')),
    passkey      TEXT,                -- the passkey with which it began
    started_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    ended_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_person ON sessions (person);

CREATE TABLE passkeys (
    seq             INTEGER PRIMARY KEY,
    id              TEXT NOT NULL,
    credential_id   BLOB NOT NULL,
    person          TEXT NOT NULL REFERENCES people (id),
    label           TEXT NOT NULL,
    public_key      BLOB NOT NULL,    -- the exact COSE bytes
    sign_count      INTEGER NOT NULL,
    backup_eligible INTEGER NOT NULL CHECK (backup_eligible IN (0, 1)),
    backed_up       INTEGER NOT NULL CHECK (backed_up IN (0, 1)),
    transports      TEXT NOT NULL,    -- JSON array
    enrolled_at     INTEGER NOT NULL,
    last_used_at    INTEGER,
    removed_at      INTEGER
) STRICT;
CREATE UNIQUE INDEX passkeys_by_credential ON passkeys (credential_id) WHERE removed_at IS NULL;
CREATE INDEX passkeys_by_person ON passkeys (person);

CREATE TABLE challenges (
    hash       BLOB PRIMARY KEY CHECK (length(hash) = 32),
    person     TEXT,                  -- who enrols; NULL for a sign-in
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX challenges_by_expiry ON challenges (expires_at);

CREATE TABLE agents (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    owner        TEXT NOT NULL REFERENCES people (id),
    on_behalf_of TEXT REFERENCES people (id),
    teams        TEXT NOT NULL,       -- JSON array
    token_hash   BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    added_at     INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    revoked_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX agents_by_name ON agents (name) WHERE revoked_at IS NULL;
