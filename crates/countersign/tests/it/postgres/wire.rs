//! How does a test speak PostgreSQL byte by byte? Messages written by the codec, answers as short texts.

use std::time::Duration;

use countersign_proxy_postgres::codec::back::Back;
use countersign_proxy_postgres::codec::front::{self, BindValues, Execute, Target};
use countersign_proxy_postgres::codec::startup::{self, ProtocolVersion, Startup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Nothing here takes this long; a test that would hang fails instead.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A message of the server.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) tag: u8,
    pub(super) body: Vec<u8>,
}

/// One connection without a driver.
pub(super) struct Raw {
    pub(super) stream: TcpStream,
    received: Vec<u8>,
    /// Process id and secret for cancel requests.
    pub(super) key: Vec<u8>,
}

impl Message {
    /// The message in a word or two, for example `C:DELETE 1`.
    pub(super) fn brief(&self) -> String {
        self.in_full().chars().take(100).collect()
    }

    fn in_full(&self) -> String {
        let tag = char::from(self.tag);
        match Back::from_parts(self.tag, &self.body).unwrap() {
            Back::CommandComplete(done) => format!("C:{}", done.text),
            Back::Error(_) | Back::Notice(_) => format!("{tag}:{}", self.field(b'C')),
            Back::Ready(_) => format!("Z:{}", char::from(self.body[0])),
            Back::DataRow(row) => {
                let cells: Vec<_> =
                    row.cells().map(|cell| cell.map_or("null".into(), String::from_utf8_lossy)).collect();
                format!("D:{}", cells.join(","))
            }
            Back::CopyData(data) => format!("d:{}", String::from_utf8_lossy(data).trim_end()),
            Back::Notification { channel, payload, .. } => format!("A:{channel}={payload}"),
            Back::ParameterStatus { name, value } => format!("S:{name}={value}"),
            _ => tag.to_string(),
        }
    }

    /// A field of an error or notice.
    pub(super) fn field(&self, code: u8) -> String {
        let fields = self.body.split(|byte| *byte == 0);
        let mut found = fields.filter(|field| field.first() == Some(&code));
        found.next().map_or_else(String::new, |field| String::from_utf8_lossy(&field[1..]).into_owned())
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.brief())
    }
}

impl Raw {
    /// Logs in. The password goes in clear when it is asked for.
    pub(super) async fn connect(port: u16, password: &str, parameters: &[(&str, &str)]) -> Self {
        Self::try_connect(port, password, parameters).await.unwrap()
    }

    /// The same, or the server's refusal.
    pub(super) async fn try_connect(
        port: u16,
        password: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Self, Message> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut raw = Self { stream, received: Vec::new(), key: Vec::new() };
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut hello = Vec::new();
        let first = Startup { version: ProtocolVersion::V3_0, parameters: parameters.collect() };
        startup::encode(&first, &mut hello).unwrap();
        raw.send(&hello).await;
        loop {
            let message = raw.next().await;
            match message.tag {
                b'R' if message.body == [0, 0, 0, 3] => {
                    let mut answer = vec![b'p'];
                    answer.extend(u32::try_from(password.len() + 5).unwrap().to_be_bytes());
                    answer.extend(password.as_bytes());
                    answer.push(0);
                    raw.send(&answer).await;
                }
                b'K' => raw.key = message.body,
                b'E' => return Err(message),
                b'Z' => return Ok(raw),
                _ => {}
            }
        }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next message; `None` when the connection has ended.
    pub(super) async fn try_next(&mut self) -> Option<Message> {
        tokio::time::timeout(PATIENCE, self.receive()).await.expect("no answer in time")
    }

    pub(super) async fn next(&mut self) -> Message {
        self.try_next().await.expect("the connection ended")
    }

    async fn receive(&mut self) -> Option<Message> {
        loop {
            if let Some([tag, length @ ..]) = self.received.first_chunk::<5>() {
                let (tag, end) = (*tag, usize::try_from(u32::from_be_bytes(*length)).unwrap() + 1);
                if self.received.len() >= end {
                    let body = self.received[5..end].to_vec();
                    self.received.drain(..end);
                    return Some(Message { tag, body });
                }
            }
            if !matches!(self.stream.read_buf(&mut self.received).await, Ok(read) if read > 0) {
                return None;
            }
        }
    }

    /// Everything up to and with `ReadyForQuery`.
    pub(super) async fn until_ready(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            messages.push(self.next().await);
            if messages.last().is_some_and(|last| last.tag == b'Z') {
                return messages;
            }
        }
    }

    /// Sends, and gives what is answered up to `ReadyForQuery` in brief.
    pub(super) async fn say(&mut self, bytes: &[u8]) -> String {
        self.send(bytes).await;
        brief(&self.until_ready().await)
    }

    /// A simple query.
    pub(super) async fn query(&mut self, text: &str) -> String {
        self.say(&q(text)).await
    }

    /// So many messages, in brief.
    pub(super) async fn take(&mut self, count: usize) -> String {
        let mut messages = Vec::new();
        for _ in 0..count {
            messages.push(self.next().await);
        }
        brief(&messages)
    }

    /// Everything up to the end of the connection.
    pub(super) async fn until_the_end(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Some(message) = self.try_next().await {
            messages.push(message);
        }
        messages
    }
}

/// Messages in brief, without the settings that the server reports.
pub(super) fn brief(messages: &[Message]) -> String {
    let shown = messages.iter().filter(|message| message.tag != b'S');
    shown.map(Message::brief).collect::<Vec<_>>().join(" ")
}

fn written<E: std::fmt::Debug>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    out
}

/// `Query`.
pub(super) fn q(text: &str) -> Vec<u8> {
    written(|out| front::query(out, text))
}

/// `Parse`.
pub(super) fn p(name: &str, text: &str) -> Vec<u8> {
    written(|out| front::parse(out, name, text, &[]))
}

/// `Bind` with parameters as text.
pub(super) fn b(portal: &str, statement: &str, params: &[&str]) -> Vec<u8> {
    let params: Vec<_> = params.iter().map(|param| Some(param.as_bytes())).collect();
    let values = BindValues { params: &params, ..BindValues::default() };
    written(|out| front::bind(out, portal, statement, &values))
}

/// `Execute`.
pub(super) fn e(portal: &str, max_rows: i32) -> Vec<u8> {
    written(|out| front::execute(out, Execute { portal, max_rows }))
}

/// `Describe` of a statement.
pub(super) fn describe(name: &str) -> Vec<u8> {
    written(|out| front::describe(out, Target::Statement(name)))
}

/// `Describe` of a portal.
pub(super) fn describe_portal(name: &str) -> Vec<u8> {
    written(|out| front::describe(out, Target::Portal(name)))
}

/// `Close` of a statement.
pub(super) fn close(name: &str) -> Vec<u8> {
    written(|out| front::close(out, Target::Statement(name)))
}

/// `Close` of a portal.
pub(super) fn close_portal(name: &str) -> Vec<u8> {
    written(|out| front::close(out, Target::Portal(name)))
}

/// `Sync`.
pub(super) fn s() -> Vec<u8> {
    b"S\0\0\0\x04".to_vec()
}

/// `Flush`.
pub(super) fn h() -> Vec<u8> {
    b"H\0\0\0\x04".to_vec()
}

/// `Terminate`.
pub(super) fn x() -> Vec<u8> {
    b"X\0\0\0\x04".to_vec()
}

/// Any message.
pub(super) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    out.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    out.extend(body);
    out
}

/// `Parse`, `Bind` and `Execute` without names.
pub(super) fn pbe(text: &str, params: &[&str]) -> Vec<u8> {
    [p("", text), b("", "", params), e("", 0)].concat()
}
