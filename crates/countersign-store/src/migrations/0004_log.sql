-- The Merkle tree over the leaves: full tiles only. Open ones follow from these and from entries.leaf_hash.
-- `place` is the level times 2^56 plus the index within the level.
CREATE TABLE tiles (
    place INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL CHECK (length(bytes) = 8192)
) STRICT;

-- The root of the tree of log_state.size leaves; NULL until the tree is built over what an older version wrote.
ALTER TABLE log_state ADD COLUMN root BLOB;

-- Checkpoints that have left the house. `note` is the signed note, with the cosignatures that it has by now.
CREATE TABLE checkpoints (
    size INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;
