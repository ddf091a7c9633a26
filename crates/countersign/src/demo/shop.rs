//! What does an agent with a database see? `psql`, which knows nothing of Countersign but an address and a token.

use std::process::Stdio;

use countersign_console::{counted, rows_text};
use countersign_core::{Preview, ReviewId, Rows};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr};

use super::database::Database;
use super::reviewer::Person;
use super::{AGENT, folder, reviewer};
use crate::cli::Failure;
use crate::out;
use crate::serve::Running;

const SELECT: &str = "SELECT name, email FROM customers ORDER BY id LIMIT 3";
const DELETE: &str = "DELETE FROM orders WHERE status = 'cancelled'";
/// How many orders are cancelled at the start, and how many lines they have.
const CANCELLED: (u64, u64) = (42, 84);
/// More than `psql` has to say here.
const OUTPUT_MAX_BYTES: u64 = 1 << 20;

/// The second act. `person` is there when the demo plays the reviewer.
pub(super) async fn act(
    running: &Running,
    database: &Database,
    token: &str,
    person: Option<&Person>,
) -> Result<(), Failure> {
    let agent = Agent { database, at: running.databases_at, token };
    out::line("\nThe second act: the same agent on a real PostgreSQL, through the same gateway, with psql:");
    out::line(format_args!("  psql \"{}\"", agent.place()));
    let before = counts(database).await?;
    agent.sees_rows_pass().await?;
    let mut held = agent.asks_to_delete().await?;
    let review = held.review().await?;
    preview(running, &review).await?;
    match person {
        Some(person) => {
            shows_reach(&person.reads(&review).await?)?;
            person.approves(&review, &[DELETE]).await?;
        }
        None => out::line("     open the link in the notice, read, and approve or deny"),
    }
    let told = held.end().await?;
    let after = counts(database).await?;
    out::line(format_args!("     orders in the database: {} before, {} after", before.0, after.0));
    out::line(format_args!("     and their lines: {} before, {} after", before.1, after.1));
    let gone = (before.0.saturating_sub(after.0), before.1.saturating_sub(after.1));
    if person.is_none() {
        return Ok(());
    }
    if told.trim() != format!("DELETE {}", CANCELLED.0) || gone != CANCELLED {
        return Err(Failure::new(format!("the approved statement did not delete what it should: `{told}`")));
    }
    reviewer::reads_the_story(running, review).await
}

/// How to run statements as the agent.
pub(super) fn try_yourself(running: &Running, database: &Database, token: &str) -> String {
    let agent = Agent { database, at: running.databases_at, token };
    format!("PGPASSWORD={token} psql \"{}\"", agent.place())
}

struct Agent<'a> {
    database: &'a Database,
    at: std::net::SocketAddr,
    token: &'a str,
}

impl Agent<'_> {
    fn place(&self) -> String {
        let (host, port) = (self.at.ip(), self.at.port());
        format!("host={host} port={port} user={AGENT} dbname={}", folder::SHOP)
    }

    async fn sees_rows_pass(&self) -> Result<(), Failure> {
        out::line(format_args!("\n  4. it runs {SELECT}"));
        let mut psql = self.runs(SELECT)?;
        let rows = text(psql.stdout.take()).await?;
        let complaint = text(psql.stderr.take()).await?;
        out::line("     allowed at once, the addresses masked by a rule:\n");
        rows.trim_end().lines().for_each(|line| out::line(format_args!("       {line}")));
        if rows.contains("Mira Lund") && rows.contains("***") && !rows.contains("mira@example.com") {
            return Ok(());
        }
        Err(Failure::new(format!("the harmless statement did not return masked rows: {rows}{complaint}")))
    }

    async fn asks_to_delete(&self) -> Result<Held, Failure> {
        out::line(format_args!("\n  5. it runs {DELETE}"));
        let mut psql = self.runs(DELETE)?;
        let stderr = psql.stderr.take().ok_or_else(|| Failure::new("psql has no standard error"))?;
        Ok(Held { psql, notices: BufReader::new(stderr.take(OUTPUT_MAX_BYTES)).lines() })
    }

    fn runs(&self, statement: &str) -> Result<Child, Failure> {
        let mut psql = self.database.psql();
        psql.args(["-X", "-w", "-c", statement, &self.place()]).env("PGPASSWORD", self.token);
        psql.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        psql.spawn().map_err(|error| Failure::new(format!("psql does not start: {error}")))
    }
}

/// A statement that waits for people, on its open connection.
struct Held {
    psql: Child,
    notices: tokio::io::Lines<BufReader<tokio::io::Take<ChildStderr>>>,
}

impl Held {
    /// Reads and shows the first notice, which names the review.
    async fn review(&mut self) -> Result<ReviewId, Failure> {
        out::line("     held: the open connection waits for a person, and psql says\n");
        let mut review = None;
        while let Some(line) = self.line().await? {
            out::line(format_args!("       {line}"));
            review = review.or_else(|| line.rsplit_once("/reviews/").and_then(|(_, id)| id.parse().ok()));
            if line.starts_with("HINT:") {
                break;
            }
        }
        out::line("");
        review.ok_or_else(|| Failure::new("the risky statement was not held"))
    }

    /// Waits for the end; gives what `psql` prints. Notices that only repeat that it waits are left out.
    async fn end(&mut self) -> Result<String, Failure> {
        let mut repeated = false;
        while let Some(line) = self.line().await? {
            let begins = line.split_once(':').map_or("", |(severity, _)| severity);
            repeated = match begins {
                "NOTICE" => line.contains("waiting for approval"),
                "DETAIL" | "HINT" => repeated,
                _ => false,
            };
            if !repeated {
                out::line(format_args!("     the agent receives: {line}"));
            }
        }
        let told = text(self.psql.stdout.take()).await?;
        told.trim_end()
            .lines()
            .for_each(|line| out::line(format_args!("     psql goes on by itself: {line}")));
        Ok(told)
    }

    async fn line(&mut self) -> Result<Option<String>, Failure> {
        self.notices.next_line().await.map_err(|error| Failure::new(format!("psql broke off: {error}")))
    }
}

/// What people see beside the statement.
async fn preview(running: &Running, review: &ReviewId) -> Result<(), Failure> {
    let record = running.gate.review(*review).await.map_err(|error| Failure::new(out::chain(&error)))?;
    let Some(preview) = record.as_ref().and_then(|record| record.action.preview()) else { return Ok(()) };
    out::line(format_args!("     people see what it would touch: {}", rows_text(preview.rows)));
    for cascade in &preview.cascades {
        let (rows, what, object) = (rows_text(cascade.rows), &cascade.what, &cascade.object);
        out::line(format_args!("       and through foreign keys: {rows} ({what} in {object})"));
    }
    if let Some(sample) = &preview.sample {
        let rows = u64::try_from(sample.rows.len()).unwrap_or(u64::MAX);
        out::line(format_args!("       and {} of them as an example", counted(rows, "row")));
    }
    Ok(())
}

/// Whether the review tells how many rows would go, and where.
fn shows_reach(review: &serde_json::Value) -> Result<(), Failure> {
    let preview = review.pointer("/action/preview").cloned().unwrap_or_default();
    let told = serde_json::from_value::<Preview>(preview.clone()).is_ok_and(|preview| {
        let lines = preview.cascades.iter().any(|cascade| {
            cascade.object == "public.order_lines" && cascade.rows == Rows::Exact(CANCELLED.1)
        });
        preview.rows == Rows::Exact(CANCELLED.0) && lines
    });
    if told {
        Ok(())
    } else {
        Err(Failure::new(format!("the review does not tell what would go: {preview}")))
    }
}

async fn counts(database: &Database) -> Result<(u64, u64), Failure> {
    database.counts().await.map_err(|error| Failure::new(error.to_string()))
}

/// All that comes, within a bound.
async fn text(stream: Option<impl AsyncRead + Unpin>) -> Result<String, Failure> {
    let mut text = String::new();
    if let Some(stream) = stream {
        let read = stream.take(OUTPUT_MAX_BYTES).read_to_string(&mut text).await;
        read.map_err(|error| Failure::new(format!("psql broke off: {error}")))?;
    }
    Ok(text)
}
