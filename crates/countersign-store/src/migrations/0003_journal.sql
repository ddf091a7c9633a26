-- How far the journal beside this file has been moved into it.
ALTER TABLE log_state ADD COLUMN journaled INTEGER NOT NULL DEFAULT 0;

-- What repeats in the records of passed actions, by its SHA-256: who asks from where, and what a kind of action does.
CREATE TABLE headings (
    digest BLOB PRIMARY KEY,
    body   TEXT NOT NULL   -- JSON
) STRICT, WITHOUT ROWID;

-- Records of passed actions, one JSON object a line; one ledger entry commits to each batch.
CREATE TABLE batches (
    seq      INTEGER PRIMARY KEY,
    entry    INTEGER NOT NULL,   -- entries.idx
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    body     BLOB NOT NULL
) STRICT;
