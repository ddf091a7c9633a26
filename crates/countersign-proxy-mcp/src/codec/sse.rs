//! Which events stand in this stream? Server-sent events, cut anywhere, with a limit on each event.

use std::fmt::Write as _;

/// One dispatched event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SseEvent {
    pub(crate) id: Option<String>,
    pub(crate) data: Vec<u8>,
}

/// An event was longer than allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than {0} bytes")]
pub(crate) struct EventTooLong(usize);

/// Collects events from chunks.
#[derive(Debug)]
pub(crate) struct SseReader {
    line: Vec<u8>,
    after_return: bool,
    data: Vec<u8>,
    id: Option<String>,
    any: bool,
    limit: usize,
}

impl SseReader {
    pub(crate) fn new(limit: usize) -> Self {
        Self { line: Vec::new(), after_return: false, data: Vec::new(), id: None, any: false, limit }
    }

    /// Takes a chunk and gives every event that it completes.
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> Result<Vec<SseEvent>, EventTooLong> {
        let mut events = Vec::new();
        for piece in chunk.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, end) = match piece.split_last() {
                Some((end @ (b'\n' | b'\r'), text)) => (text, Some(*end)),
                _ => (piece, None),
            };
            let second_half = self.after_return && text.is_empty() && end == Some(b'\n');
            self.after_return = false;
            if second_half {
                continue;
            }
            self.line.extend_from_slice(text);
            if self.line.len() + self.data.len() > self.limit {
                return Err(EventTooLong(self.limit));
            }
            if end.is_some() {
                self.after_return = end == Some(b'\r');
                events.extend(self.line_done());
            }
        }
        Ok(events)
    }

    fn line_done(&mut self) -> Option<SseEvent> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let event = SseEvent { id: self.id.take(), data: std::mem::take(&mut self.data) };
            return std::mem::take(&mut self.any).then_some(event);
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => {
                let (field, value) = line.split_at(colon);
                let value = value.strip_prefix(b":").unwrap_or(value);
                (field, value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line.as_slice(), [].as_slice()),
        };
        match field {
            b"data" => {
                if self.any && !self.data.is_empty() {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                self.any = true;
            }
            b"id" => {
                self.id = String::from_utf8(value.to_vec()).ok();
                self.any = true;
            }
            _ => {}
        }
        None
    }
}

/// One message as an event. A line break in it becomes a new `data` line, which the reader joins again.
pub(crate) fn event(id: Option<u64>, message: &str) -> String {
    let mut out = String::with_capacity(message.len() + 32);
    if let Some(id) = id {
        // Writing to a string can't fail.
        writeln!(out, "id: {id}").unwrap_or_default();
    }
    for line in message.split(['\n', '\r']) {
        out.push_str("data: ");
        out.push_str(line);
        out.push('\n');
    }
    out.push('\n');
    out
}
