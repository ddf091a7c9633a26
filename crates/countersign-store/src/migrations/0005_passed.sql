-- Passed actions are searched by time, newest first; a batch spans a minute at most.
CREATE INDEX batches_by_time ON batches (last_at);
