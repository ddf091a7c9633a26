//! How much processor time and memory does the process in the middle take? What the kernel counts, in `/proc`.

use std::fs;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use crate::Failure;

/// Linux tells user space 100 ticks a second on every platform that PostgreSQL is packaged for.
const TICKS_PER_SECOND: f64 = 100.0;
const SAMPLE_EVERY: Duration = Duration::from_millis(50);

/// A running process.
#[derive(Debug, Clone, Copy)]
pub struct Process(pub u32);

impl Process {
    /// Processor time so far, of all its threads, in seconds.
    pub fn cpu(self) -> Result<f64, Failure> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // The name of the program may hold spaces and brackets.
        let (_, fields) = stat.rsplit_once(") ").ok_or("an unknown form of /proc/PID/stat")?;
        let mut fields = fields.split(' ').skip(11);
        let mut ticks =
            || -> Result<f64, Failure> { Ok(fields.next().ok_or("a short /proc/PID/stat")?.parse()?) };
        Ok((ticks()? + ticks()?) / TICKS_PER_SECOND)
    }

    /// Resident memory now, in MiB.
    pub fn resident_mib(self) -> Result<f64, Failure> {
        self.status_mib("VmRSS:")
    }

    /// The most resident memory since [`Self::forget_peak`], in MiB.
    pub fn peak_mib(self) -> Result<f64, Failure> {
        self.status_mib("VmHWM:")
    }

    pub fn forget_peak(self) -> Result<(), Failure> {
        // proc(5): 5 resets the peak resident set size to the current one.
        Ok(fs::write(format!("/proc/{}/clear_refs", self.0), "5")?)
    }

    fn status_mib(self, name: &str) -> Result<f64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(kib / 1024.0)
    }
}

/// Processor time of a process at several moments.
#[derive(Debug, Default)]
pub struct Timeline(Vec<(Instant, f64)>);

impl Timeline {
    /// The share of one core that was busy within a span, for as much of it as was watched.
    pub fn busy(&self, from: Instant, to: Instant) -> Option<f64> {
        let mut within = self.0.iter().filter(|(at, _)| (from..=to).contains(at));
        let (began, before) = within.next()?;
        let (ended, after) = within.next_back()?;
        Some((after - before) / ended.duration_since(*began).as_secs_f64())
    }
}

/// Does `work` and watches a process meanwhile. Logging in costs the process in the middle something as well; from the
/// timeline the span in which only statements ran can be taken.
pub async fn watched<T>(
    process: Option<Process>,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<(T, Timeline), Failure> {
    let mut timeline = Timeline::default();
    let mut work = std::pin::pin!(work);
    let mut tick = tokio::time::interval(SAMPLE_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            done = &mut work => return Ok((done?, timeline)),
            _ = tick.tick() => if let Some(process) = process {
                timeline.0.push((Instant::now(), process.cpu()?));
            },
        }
    }
}
