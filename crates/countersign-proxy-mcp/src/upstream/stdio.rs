//! How is an upstream spoken to that runs as our child process? One JSON message per line on its streams.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use countersign_gate::Clock;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::exchange::{Belongings, named};
use super::{Inbound, Route, UpstreamError, within};
use crate::codec::{Answer, Incoming, Message, one_line};

/// How long a child may take to leave after its standard input was closed.
const GRACE: Duration = Duration::from_secs(2);

/// Messages that wait until the child reads; each may be as long as the agent may send.
const LINES_MAX: usize = 8;

/// What is started.
#[derive(Debug)]
pub(super) struct Program<'a> {
    pub(super) command: &'a str,
    pub(super) args: &'a [String],
    pub(super) env: &'a BTreeMap<String, String>,
    pub(super) cwd: Option<&'a Path>,
}

/// A running child. Dropping it closes the child's input and ends it.
pub(crate) struct Child {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    _stop: DropGuard,
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("shared", &self.shared).finish_non_exhaustive()
    }
}

/// One message as the child reads it. The only thing that is ever written to it, so that nothing an agent sends can
/// become two messages.
#[derive(Debug)]
struct Line(String);

impl Line {
    fn of(message: &str) -> Self {
        let mut line = one_line(message);
        line.push('\n');
        Self(line)
    }
}

#[derive(Debug)]
struct Shared {
    lines: mpsc::Sender<Line>,
    waiting: Mutex<Waiting>,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Why the child is over, once it is.
    ended: Option<UpstreamError>,
    requests: HashMap<u64, Request>,
}

#[derive(Debug)]
struct Request {
    answer: oneshot::Sender<Result<Answer, UpstreamError>>,
    belongings: Belongings,
}

impl Child {
    pub(super) fn start(
        program: &Program<'_>,
        limit: usize,
        clock: Arc<dyn Clock>,
        inbound: Weak<dyn Inbound>,
    ) -> Result<Self, UpstreamError> {
        let mut command = Command::new(program.command);
        command.args(program.args).env_clear();
        for name in ["PATH", "HOME"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(program.env);
        if let Some(cwd) = program.cwd {
            command.current_dir(cwd);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that what it starts ends with it.
        command.process_group(0).kill_on_drop(true);
        let not_started = |what: String| UpstreamError::NotSent(format!("`{}`: {what}", program.command));
        let mut process = command.spawn().map_err(|source| not_started(source.to_string()))?;
        let group = Group::of(&process);
        let streams = process.stdin.take().zip(process.stdout.take()).zip(process.stderr.take());
        let Some(((stdin, stdout), stderr)) = streams else {
            return Err(not_started("its streams are missing".to_owned()));
        };
        let (lines, to_write) = mpsc::channel(LINES_MAX);
        let shared = Arc::new(Shared { lines, waiting: Mutex::default(), next: AtomicU64::new(1) });
        let stop = CancellationToken::new();
        tokio::spawn(write_lines(stdin, to_write, stop.clone()));
        tokio::spawn(log_lines(stderr, program.command.to_owned()));
        let reading = read_messages(stdout, limit, Arc::clone(&shared), inbound.clone());
        let supervised = Supervised { group, process, shared: Arc::clone(&shared), inbound };
        tokio::spawn(supervised.until_over(reading, stop.clone()));
        Ok(Self { shared, clock, _stop: stop.drop_guard() })
    }

    pub(super) fn next_id(&self) -> u64 {
        self.shared.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) async fn exchange(&self, message: &Message, route: Route) -> Result<Answer, UpstreamError> {
        let (answer, answered) = oneshot::channel();
        self.shared.expect(route.id, Request { answer, belongings: Belongings::of(&route) })?;
        // Forgets the request however this ends, also when the caller drops us.
        let _forget = Forget { shared: &self.shared, id: route.id };
        self.tell(&message.spliced(&route.id.to_string())).await?;
        let answered = async {
            answered.await.unwrap_or_else(|_| Err(UpstreamError::Lost("the process ended".to_owned())))
        };
        within(&self.clock, route.timeout, answered).await
    }

    pub(super) async fn tell(&self, message: &str) -> Result<(), UpstreamError> {
        let ended = |_| UpstreamError::NotSent("the process has ended".to_owned());
        self.shared.lines.send(Line::of(message)).await.map_err(ended)
    }

    /// Whether there was such a request.
    pub(super) fn cancel(&self, id: u64) -> bool {
        let Some(request) = self.shared.lock().requests.remove(&id) else { return false };
        if request.answer.send(Err(UpstreamError::Cancelled)).is_err() {
            tracing::debug!("a cancelled caller had already left");
        }
        true
    }
}

struct Forget<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.shared.lock().requests.remove(&self.id);
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // Nothing panics while holding it; a poisoned map is still a map.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expect(&self, id: u64, request: Request) -> Result<(), UpstreamError> {
        let mut waiting = self.lock();
        if waiting.ended.is_some() {
            return Err(UpstreamError::NotSent("the process has ended".to_owned()));
        }
        waiting.requests.insert(id, request);
        Ok(())
    }

    /// Answers every request that still waits.
    fn end(&self, why: &UpstreamError) {
        let requests = {
            let mut waiting = self.lock();
            waiting.ended = Some(why.clone());
            std::mem::take(&mut waiting.requests)
        };
        for request in requests.into_values() {
            if request.answer.send(Err(why.clone())).is_err() {
                tracing::debug!("a caller left before the upstream ended");
            }
        }
    }

    fn dispatch(&self, message: Incoming, inbound: &Weak<dyn Inbound>) -> Result<(), UpstreamError> {
        if message.method().is_none() {
            let id = message.id().and_then(Incoming::correlator);
            let Some(request) = id.and_then(|id| self.lock().requests.remove(&id)) else {
                tracing::debug!("an answer came for a request that does not wait");
                return Ok(());
            };
            let answer = message
                .into_answer()
                .ok_or_else(|| UpstreamError::Garbage("an answer without result or error".to_owned()));
            if request.answer.send(answer).is_err() {
                tracing::debug!("an answer came for a caller that left");
            }
            return Ok(());
        }
        if let Some(named) = named(&message) {
            if let Some(request) = self.lock().requests.get(&named.id) {
                request.belongings.deliver(&message, named);
            }
            return Ok(());
        }
        let near = self.only_sink();
        if let Some(inbound) = inbound.upgrade() {
            inbound.take(message, near.as_ref());
        }
        Ok(())
    }

    /// The sink of the one request under way: on stdio nothing says what a message belongs to.
    fn only_sink(&self) -> Option<super::Sink> {
        let waiting = self.lock();
        let mut sinks = waiting.requests.values().filter_map(|request| request.belongings.sink());
        let first = sinks.next()?;
        sinks.next().is_none().then(|| first.clone())
    }
}

async fn write_lines(mut stdin: ChildStdin, mut lines: mpsc::Receiver<Line>, stop: CancellationToken) {
    loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            () = stop.cancelled() => None,
        };
        let Some(Line(line)) = line else { return };
        let written = async {
            stdin.write_all(line.as_bytes()).await?;
            stdin.flush().await
        };
        if let Err(error) = written.await {
            tracing::debug!(%error, "the upstream process does not read");
            return;
        }
    }
}

async fn log_lines(stderr: ChildStderr, command: String) {
    let mut reader = BufReader::new(stderr);
    while let Ok(Some(line)) = capped_line(&mut reader, 64 << 10, Overlong::IsCut).await {
        tracing::debug!(command, line = %String::from_utf8_lossy(&line), "upstream says");
    }
}

async fn read_messages(
    stdout: ChildStdout,
    limit: usize,
    shared: Arc<Shared>,
    inbound: Weak<dyn Inbound>,
) -> UpstreamError {
    let mut reader = BufReader::with_capacity(64 << 10, stdout);
    loop {
        let line = match capped_line(&mut reader, limit, Overlong::Fails).await {
            Ok(Some(line)) => line,
            Ok(None) => return UpstreamError::Lost("the process closed its output".to_owned()),
            Err(error) => return UpstreamError::Garbage(error.to_string()),
        };
        let looks_like_message = line.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        let dispatched = match Incoming::parse(line) {
            Ok(message) => shared.dispatch(message, &inbound),
            // Many servers print a greeting or a log line; that breaks the protocol but does no harm.
            Err(_) if !looks_like_message => Ok(()),
            Err(error) => Err(UpstreamError::Garbage(error.to_string())),
        };
        if let Err(error) = dispatched {
            return error;
        }
    }
}

/// What becomes of a line above the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overlong {
    /// Reading ends.
    Fails,
    /// Its end is passed over.
    IsCut,
}

/// The next line without its end; `None` at the end of the stream.
async fn capped_line<R>(
    reader: &mut BufReader<R>,
    limit: usize,
    overlong: Overlong,
) -> std::io::Result<Option<Vec<u8>>>
where
    R: tokio::io::AsyncRead + Unpin,
{
    let mut line = Vec::new();
    loop {
        let chunk = reader.fill_buf().await?;
        if chunk.is_empty() {
            return Ok((!line.is_empty()).then_some(line));
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(chunk.len());
        line.extend_from_slice(chunk.get(..taken).unwrap_or_default());
        reader.consume(taken + usize::from(end.is_some()));
        if overlong == Overlong::IsCut {
            line.truncate(limit);
        } else if line.len() > limit {
            return Err(std::io::Error::other(format!("a line is longer than {limit} bytes")));
        }
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

/// A child's process group: the child and whatever it started. Dropping it ends all of them.
#[derive(Debug)]
struct Group(Option<Pid>);

impl Group {
    fn of(process: &tokio::process::Child) -> Self {
        Self(process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The number stays taken as long as the group has a member; usually it has none left.
        if let Some(leader) = self.0
            && let Err(error) = kill_process_group(leader, Signal::KILL)
        {
            tracing::debug!(%error, "nothing was left of the upstream's process group");
        }
    }
}

/// What is kept until a child is over.
struct Supervised {
    group: Group,
    process: tokio::process::Child,
    shared: Arc<Shared>,
    inbound: Weak<dyn Inbound>,
}

impl Supervised {
    /// Waits until the child is over or no longer wanted, answers what still waits, and sees the process and all that
    /// it started end.
    async fn until_over(mut self, reading: impl Future<Output = UpstreamError>, stop: CancellationToken) {
        let why = tokio::select! {
            why = reading => why,
            () = stop.cancelled() => UpstreamError::Lost("the session ended".to_owned()),
        };
        stop.cancel();
        self.shared.end(&why);
        if let Some(inbound) = self.inbound.upgrade() {
            inbound.ended(&why.to_string());
        }
        match tokio::time::timeout(GRACE, self.process.wait()).await {
            Ok(Ok(status)) => tracing::debug!(%status, "the upstream process ended"),
            Ok(Err(error)) => tracing::debug!(%error, "the upstream process could not be awaited"),
            Err(_) => tracing::debug!("the upstream process did not leave by itself"),
        }
        drop(self.group);
        if let Err(error) = self.process.wait().await {
            tracing::warn!(%error, "the upstream process could not be ended");
        }
    }
}
