-- How far each export has come. `next` is the first entry that its target has not taken; `terms` says what goes where, as
-- it was recorded when it began.
CREATE TABLE exports (
    name     TEXT PRIMARY KEY,
    next     INTEGER NOT NULL,
    terms    TEXT NOT NULL,
    began_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
