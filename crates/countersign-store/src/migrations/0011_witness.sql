-- How many witnesses have cosigned each published checkpoint, so that receipts find the best one.
ALTER TABLE checkpoints ADD COLUMN cosigned INTEGER NOT NULL DEFAULT 0;
CREATE INDEX checkpoints_cosigned ON checkpoints (size) WHERE cosigned > 0;

-- The largest tree of each log that each witness has cosigned, by their keys' texts: a witness that says less has lost
-- its memory. A ledger that gets another name is another log.
CREATE TABLE witnesses (
    log TEXT NOT NULL,
    key TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (log, key)
) STRICT;
