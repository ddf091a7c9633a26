//! Load by PostgreSQL's own `pgbench`: the same statements for every peer, for a fixed time.

use std::fs;
use std::time::{Duration, Instant};

use crate::door::{Door, done};
use crate::process::{Process, watched};
use crate::rounds::Turn;
use crate::site::Site;
use crate::{Effort, Failure};

/// Which statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// One row by its key (`pgbench -S`).
    Select,
    /// Seven statements in a transaction.
    TpcB,
    /// 5,000 rows of this kind.
    Rows(&'static str),
    /// A longer statement with other literals in its text each time.
    Literals,
}

/// How statements are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// As text, with values in it.
    Simple,
    /// Parsed and bound each time.
    Extended,
    /// Parsed once.
    Prepared,
}

impl Protocol {
    pub fn word(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Extended => "extended",
            Self::Prepared => "prepared",
        }
    }
}

/// This share of the wanted time has to remain for statements.
const ENOUGH: f64 = 0.75;
const ATTEMPTS: usize = 4;

/// pgbench writes variables into the text with the simple protocol, so no two texts are the same.
const LITERALS: &str = r"\set a random(1, 100000)
\set b random(1, 100000)
\set c random(1, 100000)
\set d random(1, 100000)
\set e random(1, 1000000)
\set f random(1, 1000000)
SELECT account.aid, account.abalance, branch.bbalance, account.abalance * 100 / :e AS share FROM pgbench_accounts AS account JOIN pgbench_branches AS branch ON branch.bid = account.bid WHERE account.aid IN (:a, :b, :c, :d) AND account.abalance < :e + 100000000 AND branch.bbalance <> :f AND (account.abalance > -:e - 100000000 OR branch.bbalance BETWEEN :e AND :e + :f) ORDER BY account.aid LIMIT 4;
";

impl Script {
    pub fn name(self) -> String {
        match self {
            Self::Select => "select".to_owned(),
            Self::TpcB => "tpc-b".to_owned(),
            Self::Rows(kind) => format!("5,000 rows {kind}"),
            Self::Literals => "literals".to_owned(),
        }
    }

    /// What pgbench is told to run.
    fn arguments(self, folder: &std::path::Path) -> Result<[String; 2], Failure> {
        let (name, text) = match self {
            Self::Select => return Ok(["-b".to_owned(), "select-only".to_owned()]),
            Self::TpcB => return Ok(["-b".to_owned(), "tpcb-like".to_owned()]),
            Self::Rows(kind) => (kind, format!("SELECT * FROM rows_{kind};\n")),
            Self::Literals => ("literals", LITERALS.to_owned()),
        };
        let path = folder.join(format!("{name}.sql"));
        fs::write(&path, text)?;
        Ok(["-f".to_owned(), path.display().to_string()])
    }
}

/// What pgbench prints at its end.
#[derive(Debug)]
struct Report {
    per_second: f64,
    /// How long it took to connect all clients.
    connecting: Duration,
}

/// One turn of one peer. pgbench's time begins before its clients connect, so a turn that was mostly connecting says
/// nothing about statements, and is run again with that much more time.
pub async fn turn(
    site: &Site,
    load: (Script, Protocol, u16),
    peer: (&Door, Option<Process>),
    effort: Effort,
) -> Result<Turn, Failure> {
    let wanted = Duration::from_secs(effort.seconds.into());
    let mut length = effort.seconds;
    for _ in 0..ATTEMPTS {
        let (report, turn) = attempt(site, load, peer, length).await?;
        let measured = Duration::from_secs(length.into()).saturating_sub(report.connecting);
        if measured >= wanted.mul_f64(ENOUGH) {
            return Ok(turn);
        }
        length = length.saturating_add(u16::try_from(report.connecting.as_secs())?).saturating_add(1);
    }
    Err("connecting takes longer than everything else".into())
}

async fn attempt(
    site: &Site,
    (script, protocol, clients): (Script, Protocol, u16),
    (door, process): (&Door, Option<Process>),
    seconds: u16,
) -> Result<(Report, Turn), Failure> {
    let mut pgbench = site.installed.client("pgbench");
    door.tell(&mut pgbench);
    let threads = clients.min(2);
    pgbench.args(["-n", "-M", protocol.word(), "-c", &clients.to_string(), "-j", &threads.to_string()]);
    pgbench.args(["-T", &seconds.to_string()]).args(script.arguments(site.folder())?);
    let length = Duration::from_secs(seconds.into());
    // Logging in comes on top.
    let within = tokio::time::timeout(length + Duration::from_secs(60), done(pgbench));
    let work = async { Ok((within.await.map_err(|_elapsed| "pgbench hangs")??, Instant::now())) };
    let ((printed, ended), timeline) = watched(process, work).await?;
    let report = Report::read(&printed, length)?;
    let margin = Duration::from_millis(100);
    let measured = length.saturating_sub(report.connecting);
    let from = ended.checked_sub(measured).ok_or("a clock that begins now")?;
    let busy = timeline.busy(from + margin, ended - margin / 2);
    let turn = Turn {
        rate: report.per_second,
        cpu_us: busy.map(|busy| busy * 1e6 / report.per_second),
        // Each thread connects its clients one after the other.
        login_ms: Some(report.connecting.as_secs_f64() * 1e3 * f64::from(threads) / f64::from(clients)),
        grown_mib: None,
    };
    Ok((report, turn))
}

impl Report {
    fn read(printed: &str, length: Duration) -> Result<Self, Failure> {
        let number = |words: &str| -> Result<f64, Failure> {
            let rest = printed.lines().find_map(|line| line.strip_prefix(words));
            let number = rest.and_then(|rest| rest.split(' ').next());
            Ok(number.ok_or_else(|| format!("pgbench told no `{words}`: {printed}"))?.parse()?)
        };
        if number("number of failed transactions: ")? > 0.0 {
            return Err(format!("transactions failed: {printed}").into());
        }
        if number("number of transactions actually processed: ")? == 0.0 {
            return Ok(Self { per_second: 0.0, connecting: length });
        }
        let connecting = Duration::from_secs_f64(number("initial connection time = ")? / 1e3);
        Ok(Self { per_second: number("tps = ")?, connecting })
    }
}
