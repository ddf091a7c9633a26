//! One long answer, read by one client that keeps none of it. What matters is that the process in the middle doesn't
//! keep it either, also when the client stops reading for a while.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::door::Door;
use crate::process::{Process, watched};
use crate::rounds::Turn;
use crate::{Effort, Failure};

/// What is streamed, and how it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Select,
    Copy,
    /// The client stops reading after the first megabyte, long enough for anything greedy to take it all.
    SlowReader,
}

const MIB: usize = 1 << 20;
const PAUSE: Duration = Duration::from_secs(3);
/// A stalled connection ends the run.
const WITHIN: Duration = Duration::from_secs(180);

impl Stream {
    pub fn name(self) -> &'static str {
        match self {
            Self::Select => "stream of rows",
            Self::Copy => "stream of COPY",
            Self::SlowReader => "stream of rows, slow reader",
        }
    }

    /// The table holds 1 MiB.
    fn statement(self, mib: u32) -> String {
        let select = format!("SELECT body FROM wide, generate_series(1, {mib})");
        match self {
            Self::Select | Self::SlowReader => select,
            Self::Copy => format!("COPY ({select}) TO STDOUT"),
        }
    }
}

/// One turn of one peer.
pub async fn turn(
    stream: Stream,
    (door, process): (&Door, Option<Process>),
    effort: Effort,
) -> Result<Turn, Failure> {
    let (client, connection) = door.config().connect(NoTls).await?;
    let connection = tokio::spawn(connection);
    let before = process.map(Process::resident_mib).transpose()?;
    process.map(Process::forget_peak).transpose()?;
    let began = Instant::now();
    let read = async {
        let read = tokio::time::timeout(WITHIN, read(&client, stream, effort.stream_mib)).await;
        let bytes = read.map_err(|_elapsed| "the stream hangs")??;
        Ok((bytes, Instant::now()))
    };
    let ((bytes, ended), timeline) = watched(process, read).await?;
    let peak = process.map(Process::peak_mib).transpose()?;
    drop(client);
    connection.await??;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let mib = bytes as f64 / MIB as f64;
    if mib < f64::from(effort.stream_mib) {
        return Err(format!("only {mib:.1} MiB arrived").into());
    }
    let paused = if stream == Stream::SlowReader { PAUSE } else { Duration::ZERO };
    let rate = mib / (ended.duration_since(began).saturating_sub(paused)).as_secs_f64();
    let cpu = timeline.busy(began, ended).map(|busy| busy * ended.duration_since(began).as_secs_f64() / mib);
    let grown_mib = peak.zip(before).map(|(peak, before)| peak - before);
    Ok(Turn { rate, cpu_us: cpu.map(|seconds| seconds * 1e6), login_ms: None, grown_mib })
}

/// Gives the number of bytes in the cells.
async fn read(client: &Client, stream: Stream, mib: u32) -> Result<usize, Failure> {
    let statement = stream.statement(mib);
    let mut bytes = 0;
    if stream == Stream::Copy {
        let mut lines = pin!(client.copy_out(&statement).await?);
        while let Some(chunk) = lines.try_next().await? {
            bytes += chunk.len();
        }
        return Ok(bytes);
    }
    let mut rows = pin!(client.simple_query_raw(&statement).await?);
    let mut pause = stream == Stream::SlowReader;
    while let Some(message) = rows.try_next().await? {
        if let SimpleQueryMessage::Row(row) = message {
            bytes += row.try_get(0)?.map_or(0, str::len);
        }
        if pause && bytes > MIB {
            pause = false;
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(bytes)
}
