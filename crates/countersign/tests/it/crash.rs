//! `kill -9` at every step of a held call: before each write, at each commit, when the upstream has received and when
//! it has answered. Then a restart: nothing ran twice, nothing ran unrecorded, and the caller finds its answer.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_core::{Answer, Obligation, Outcome, State, Status, Verb};
use countersign_gate::{Forward, Forwarded, Permit, Ticket, Verdict};
use countersign_store::Faults;
use countersign_testkit::{World, WorldOptions};

use crate::ledger;

const FOLDER: &str = "COUNTERSIGN_TEST_CRASH_FOLDER";
const POINT: &str = "COUNTERSIGN_TEST_CRASH_POINT";

/// Kills the whole process at the n-th point, as `kill -9` from outside would.
struct KillAt {
    seen: AtomicU64,
    at: u64,
}

impl KillAt {
    fn pass(&self) {
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.at {
            let me = std::process::id().to_string();
            Command::new("kill").args(["-9", &me]).status().unwrap();
            unreachable_after_kill();
        }
    }
}

fn unreachable_after_kill() -> ! {
    loop {
        std::thread::park();
    }
}

impl Faults for KillAt {
    fn before(&self, _point: &'static str) -> Result<(), std::io::Error> {
        self.pass();
        Ok(())
    }
}

/// An upstream that outlives the gateway: a file with a line for each action that it executed.
struct FileUpstream {
    file: PathBuf,
    kill: Option<Arc<KillAt>>,
    held: tokio::sync::watch::Sender<bool>,
}

impl FileUpstream {
    fn new(folder: &Path, kill: Option<Arc<KillAt>>) -> Self {
        Self { file: executed_file(folder), kill, held: tokio::sync::watch::Sender::new(false) }
    }
}

fn executed_file(folder: &Path) -> PathBuf {
    folder.join("executed")
}

fn executed(folder: &Path) -> usize {
    std::fs::read_to_string(executed_file(folder)).map_or(0, |text| text.lines().count())
}

impl Forward for FileUpstream {
    fn hold(&self) -> Duration {
        Duration::from_secs(45)
    }

    fn held(&self, _ticket: &Ticket) {
        self.held.send_replace(true);
    }

    fn performs(&self, _obligation: &Obligation) -> bool {
        false
    }

    fn facts(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    async fn forward(self, permit: Permit) -> Forwarded {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&self.file).unwrap();
        writeln!(file, "{}", permit.action().id()).unwrap();
        if let Some(kill) = &self.kill {
            kill.pass();
        }
        let outcome =
            Outcome { status: Status::Executed, result: None, rows: None, duration_us: 1, note: None };
        Forwarded { outcome, result: bytes::Bytes::from_static(b"done") }
    }
}

/// What the killed process does. Runs as a test of its own only when the parent asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_is_killed() {
    #[expect(clippy::disallowed_methods, reason = "how the parent speaks to its child")]
    let (Ok(folder), Ok(point)) = (std::env::var(FOLDER), std::env::var(POINT)) else { return };
    let (folder, at): (PathBuf, u64) = (folder.into(), point.parse().unwrap());
    let kill = Arc::new(KillAt { seen: AtomicU64::new(0), at });
    let options = WorldOptions { faults: Some(kill.clone()), ..WorldOptions::default() };
    let world = World::at(folder.clone(), options, 1_000 + at).await;
    let call = FileUpstream::new(&folder, Some(kill.clone()));
    let mut is_held = call.held.subscribe();
    let (gate, draft) = (world.gate.clone(), world.draft(Verb::Delete, "orders"));
    let waiting = tokio::spawn(async move { gate.pass(draft, call).await });
    is_held.wait_for(|held| *held).await.unwrap();
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    assert!(matches!(waiting.await.unwrap(), Verdict::Ran { .. }));
}

#[tokio::test]
async fn a_kill_at_any_step_runs_nothing_twice_nothing_unrecorded_and_loses_no_answer() {
    let mut seen_unknown = false;
    for point in 0_u64.. {
        let folder = {
            let world = World::new().await;
            let kept = tempfile::TempDir::new().unwrap();
            copy(&world.folder(), kept.path());
            kept
        };
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::the_process_that_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(POINT, point.to_string())
            .output()
            .unwrap();
        let before = executed(folder.path());
        assert!(before <= 1, "point {point}");
        let world = World::at(folder.path().to_owned(), WorldOptions::default(), 1_000_000 + point).await;
        seen_unknown |= comes_back(point, &world, folder.path()).await;
        ledger::check(&world);
        if child.status.success() {
            assert!(point > 20, "the story has more steps than {point}");
            assert!(seen_unknown, "a kill between claim and outcome was among them");
            return;
        }
        let text = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.code().is_none(), "point {point} was not killed: {text}");
    }
}

/// The caller asks again, and people approve where they have to. True when the outcome was unknown.
async fn comes_back(point: u64, world: &World, folder: &Path) -> bool {
    let ran_before = executed(folder);
    let call = FileUpstream::new(folder, None);
    let mut is_held = call.held.subscribe();
    let (gate, draft) = (world.gate.clone(), world.draft(Verb::Delete, "orders"));
    let mut waiting = tokio::spawn(async move { gate.pass(draft, call).await });
    let verdict = tokio::select! {
        verdict = &mut waiting => verdict.unwrap(),
        Ok(_) = is_held.wait_for(|held| *held) => {
            let review = world.the_review(State::Pending).await;
            // A finished story that was delivered is over: then this is a new question.
            let delivered = ran_before == 1;
            assert!(!delivered || world.store.in_state(State::Executed).unwrap().len() == 1, "point {point}");
            world.vote("bob", &review, Answer::Approve).await.unwrap();
            let verdict = waiting.await.unwrap();
            assert_eq!(executed(folder), ran_before + 1, "point {point}");
            assert!(matches!(verdict, Verdict::Ran { .. }), "point {point}: {verdict:?}");
            return false;
        }
    };
    let Verdict::Ran { outcome, .. } = verdict else { panic!("point {point}: {verdict:?}") };
    match outcome.status {
        // Claimed, and the process died before it could say what became of it: perhaps it ran, never again.
        Status::Unknown => assert_eq!(executed(folder), ran_before, "point {point}: retried silently"),
        // Either the kept answer, or the approved action claimed just now.
        Status::Executed => assert_eq!(executed(folder), 1, "point {point}"),
        Status::Failed => panic!("point {point}: nothing fails here"),
    }
    outcome.status == Status::Unknown
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
