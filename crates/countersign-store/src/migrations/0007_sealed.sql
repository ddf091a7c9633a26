-- Content is sealed under a key of its action, agent or person. `wrapped` is that key under the content key, which is
-- not in this file: without either, nobody reads what is sealed. What stands open here is what reviews and searches
-- have to find: resource, agent, operation, verbs, decision, states and times.
CREATE TABLE keys (
    owner   TEXT PRIMARY KEY,   -- entries.case_id, or a person
    wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO keys (owner, wrapped)
    SELECT owner, fresh_key(owner) FROM (
        SELECT id AS owner FROM actions
        UNION SELECT case_id FROM entries WHERE idx IN (SELECT idx FROM contents)
        UNION SELECT CAST(leaf AS TEXT) ->> '$.actor.id' FROM entries
              WHERE kind IN ('approval.decided', 'approval.viewed')
    );

-- What the leaves only commit to, sealed: a JSON object of name to [salt in hexadecimal, value]. What is about a person
-- has that person's key. The value of `action` is null: its bytes are actions.payload.
CREATE TABLE contents_anew (
    idx   INTEGER NOT NULL,
    owner TEXT NOT NULL,
    body  BLOB NOT NULL,
    PRIMARY KEY (idx, owner)
) STRICT, WITHOUT ROWID;
INSERT INTO contents_anew (idx, owner, body)
    SELECT c.idx, k.owner, sealed(k.owner, k.wrapped, 'contents.' || c.idx, CASE
               WHEN e.kind IN ('approval.decided', 'approval.viewed') THEN json_remove(c.body, '$.name', '$.reason')
               ELSE c.body END)
    FROM contents c JOIN entries e ON e.idx = c.idx JOIN keys k ON k.owner = e.case_id;
INSERT INTO contents_anew (idx, owner, body)
    SELECT c.idx, k.owner, sealed(k.owner, k.wrapped, 'contents.' || c.idx, json_patch('{}', json_object(
               'name', json_extract(c.body, '$.name'), 'reason', json_extract(c.body, '$.reason'))))
    FROM contents c JOIN entries e ON e.idx = c.idx
                    JOIN keys k ON k.owner = CAST(e.leaf AS TEXT) ->> '$.actor.id'
    WHERE e.kind IN ('approval.decided', 'approval.viewed');
DROP TABLE contents;
ALTER TABLE contents_anew RENAME TO contents;
CREATE INDEX contents_by_owner ON contents (owner);

CREATE TABLE actions_anew (
    seq         INTEGER PRIMARY KEY,   -- the order of arrival
    id          TEXT NOT NULL UNIQUE,
    received_at INTEGER NOT NULL,
    resource    TEXT NOT NULL,
    agent       TEXT NOT NULL,
    operation   TEXT NOT NULL,
    verbs       TEXT NOT NULL,   -- ` delete read `
    decision    TEXT NOT NULL,   -- allow | review | deny
    progress    TEXT NOT NULL CHECK (progress IN ('held', 'released', 'ended')),
    review_id   TEXT,
    body        BLOB NOT NULL,   -- sealed: the action without its payload, JSON
    judged      TEXT NOT NULL,   -- the decision, JSON
    payload     BLOB NOT NULL,   -- sealed
    outcome     BLOB,            -- sealed: JSON
    result      BLOB,            -- sealed
    settled_at  INTEGER
) STRICT;
INSERT INTO actions_anew (seq, id, received_at, resource, agent, operation, verbs, decision, progress, review_id, body,
        judged, payload, outcome, result, settled_at)
    SELECT seq, id, received_at, resource, agent, operation, verbs, decision, progress, review_id,
        sealed(id, wrapped, 'actions.body', body), judged, sealed(id, wrapped, 'actions.payload', payload),
        sealed(id, wrapped, 'actions.outcome', outcome), sealed(id, wrapped, 'actions.result', result), settled_at
    FROM actions JOIN keys ON owner = id;
DROP TABLE actions;
ALTER TABLE actions_anew RENAME TO actions;
CREATE INDEX actions_like ON actions (resource, operation, seq);
CREATE INDEX actions_released ON actions (seq) WHERE progress = 'released';
CREATE INDEX actions_with_result ON actions (settled_at) WHERE result IS NOT NULL;

CREATE TABLE reviews_anew (
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
    body        BLOB NOT NULL    -- sealed under the action's key: JSON
) STRICT, WITHOUT ROWID;
INSERT INTO reviews_anew (id, action_id, version, state, digest, attach_key, agent_id, opened_at, deadline, delivered,
        body)
    SELECT id, action_id, version, state, digest, attach_key, agent_id, opened_at, deadline, delivered,
        sealed(owner, wrapped, 'reviews.body', body)
    FROM reviews JOIN keys ON owner = action_id;
DROP TABLE reviews;
ALTER TABLE reviews_anew RENAME TO reviews;
CREATE INDEX reviews_by_attach_key ON reviews (attach_key, opened_at);
CREATE INDEX reviews_by_state ON reviews (state, opened_at);
CREATE INDEX reviews_by_agent ON reviews (agent_id, state);
CREATE INDEX reviews_by_deadline ON reviews (deadline) WHERE deadline IS NOT NULL;
