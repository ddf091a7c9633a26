-- Searches of the ledger begin at a time: idx and time rise together only as long as no clock is set back.
CREATE INDEX entries_by_time ON entries (time, idx);
