-- The texts of every bundle of policies that came into force, so that a decision can be looked up years later.
CREATE TABLE policies (
    bundle TEXT NOT NULL,      -- its hash, as the ledger has it
    place  INTEGER NOT NULL,   -- the file's number in the bundle
    path   TEXT NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (bundle, place)
) STRICT, WITHOUT ROWID;
