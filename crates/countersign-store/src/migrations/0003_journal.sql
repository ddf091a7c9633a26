-- How far the journal beside this file has been moved into it.
ALTER TABLE log_state ADD COLUMN journaled INTEGER NOT NULL DEFAULT 0;
