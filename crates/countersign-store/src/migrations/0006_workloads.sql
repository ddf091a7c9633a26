-- Agents that are known by tokens of an issuer or by client certificates. An agent may have no token of its own, so the
-- table is made anew without that demand.
CREATE TABLE agents_anew (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    owner        TEXT NOT NULL REFERENCES people (id),
    on_behalf_of TEXT REFERENCES people (id),
    teams        TEXT NOT NULL,       -- JSON array
    token_hash   BLOB UNIQUE CHECK (token_hash IS NULL OR length(token_hash) = 32),
    added_at     INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    revoked_at   INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO agents_anew (id, name, owner, on_behalf_of, teams, token_hash, added_at, expires_at, revoked_at)
    SELECT id, name, owner, on_behalf_of, teams, token_hash, added_at, expires_at, revoked_at FROM agents;
DROP TABLE agents;
ALTER TABLE agents_anew RENAME TO agents;
CREATE UNIQUE INDEX agents_by_name ON agents (name) WHERE revoked_at IS NULL;

CREATE TABLE agent_rules (
    seq    INTEGER PRIMARY KEY,       -- rises, for no row is ever deleted
    agent  TEXT NOT NULL REFERENCES agents (id),
    issuer TEXT,                      -- the issuer's URL; NULL for client certificates
    rules  TEXT NOT NULL              -- JSON array of [name, value]; all must hold
) STRICT;
CREATE INDEX agent_rules_by_issuer ON agent_rules (issuer);
CREATE INDEX agent_rules_by_agent ON agent_rules (agent);
