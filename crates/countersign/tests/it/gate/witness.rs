//! Does an action whose policy asks for a witness run only when one has seen its release? With real witnesses on
//! loopback, and with some that lie.

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_core::{Answer, ReasonCode, State, Verb};
use countersign_gate::{AskError, Verdict, Witness, WitnessAnswer};
use countersign_ledger::checkpoint::{Checkpoint, TrustedLog};
use countersign_ledger::cosignature::cosign;
use countersign_ledger::note::{Algorithm, Note, Sign as _, SignatureLine, SigningKey, VerifierKey};
use countersign_ledger::witness::AddCheckpoint;
use countersign_policy::Source;
use countersign_testkit::{CountingUpstream, LogKey, POLICY, TestCall, World, WorldOptions};
use countersign_witness::{Remote, router};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{code, held, ran};
use crate::ledger;

/// Deletes of `vault` need `count` witnesses as well; other deletes don't.
fn policy(count: u16) -> String {
    format!(
        "{POLICY}@id(\"ask-vault\") @review(\"dba\") @witness(\"{count}\")
         forbid (principal, action == Action::\"delete\", resource == Object::\"orders/vault\");"
    )
}

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::generate(name, Algorithm::CosignatureV1, &[seed; 32]).unwrap()
}

type Answered = Result<WitnessAnswer, AskError>;
type Script = Box<dyn Fn(&AddCheckpoint) -> Answered + Send + Sync>;

/// Where a witness is asked.
enum Way {
    /// Nobody is there.
    Down,
    Real(Box<Remote>),
    Scripted(Arc<Script>),
}

/// A witness as the gate knows it. What stands behind it can be exchanged; how often it was asked can be awaited.
struct Asked {
    key: VerifierKey,
    way: Mutex<Way>,
    times: watch::Sender<u32>,
}

impl Asked {
    fn new(key: &SigningKey, way: Way) -> Arc<Self> {
        Arc::new(Self { key: key.key().clone(), way: Mutex::new(way), times: watch::Sender::new(0) })
    }

    fn scripted(
        key: &SigningKey,
        script: impl Fn(&AddCheckpoint) -> Answered + Send + Sync + 'static,
    ) -> Arc<Self> {
        Self::new(key, Way::Scripted(Arc::new(Box::new(script))))
    }

    fn exchange(&self, way: Way) {
        *self.way.lock().unwrap() = way;
    }

    /// Waits until it was asked once more than `before` times.
    async fn asked_after(&self, before: u32) {
        let mut times = self.times.subscribe();
        soon(async { drop(times.wait_for(|times| *times > before).await.unwrap()) }).await;
    }
}

impl Witness for Asked {
    fn key(&self) -> &VerifierKey {
        &self.key
    }

    fn ask(&self, request: String) -> Pin<Box<dyn Future<Output = Answered> + Send + '_>> {
        let way = match &*self.way.lock().unwrap() {
            Way::Down => Way::Down,
            Way::Real(remote) => Way::Real(remote.clone()),
            Way::Scripted(script) => Way::Scripted(Arc::clone(script)),
        };
        Box::pin(async move {
            let answer = match way {
                Way::Down => Err("nobody is there".into()),
                Way::Real(remote) => remote
                    .ask(request)
                    .await
                    .map_err(Into::into)
                    .map(|(status, body)| WitnessAnswer { status, body }),
                Way::Scripted(script) => script(&AddCheckpoint::parse(request.as_bytes()).unwrap()),
            };
            self.times.send_modify(|times| *times += 1);
            answer
        })
    }
}

/// A witness of the worlds' ledger that remembers in `folder`.
async fn serve(folder: &Path, key: SigningKey) -> Way {
    let log = TrustedLog::new(&[LogKey::new().key().clone()]).unwrap();
    let state = countersign_witness::State::open(folder).unwrap();
    let clock = Box::new(|| 1_795_323_600);
    let witness = Arc::new(countersign_witness::Witness::new([log], Box::new(key), state, clock));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router(witness)).await });
    Way::Real(Box::new(Remote::new(&format!("http://{address}"))))
}

async fn world(count: u16, witnesses: &[&Arc<Asked>]) -> World {
    let asked = witnesses.iter().map(|witness| -> Arc<dyn Witness> { Arc::clone(*witness) as _ }).collect();
    let world =
        World::with(WorldOptions { policy: policy(count), witnesses: asked, ..WorldOptions::default() })
            .await;
    // As in a gateway: each is asked about what there is at the start.
    world.gate.start_publishing();
    for witness in witnesses {
        witness.asked_after(0).await;
    }
    world
}

/// Asks for a delete of `object`, has it approved, and hears what became of it.
async fn approved(world: &World, object: &str, upstream: &CountingUpstream) -> Verdict {
    let call = held(world, Verb::Delete, object, upstream).await;
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    call.await.unwrap()
}

/// The same, of the vault, when nobody will cosign: the time runs out once `witness` was asked for it.
async fn approved_in_vain(world: &World, witness: &Asked, upstream: &CountingUpstream) -> Verdict {
    let call = held(world, Verb::Delete, "vault", upstream).await;
    let review = world.the_review(State::Pending).await;
    let before = *witness.times.borrow();
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    witness.asked_after(before).await;
    let verdict = ends(&[world], call).await;
    soon(world.until(review.id, State::Failed)).await;
    verdict
}

/// What hangs has failed.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it never came")
}

/// Time goes on until the call has its answer.
async fn ends(worlds: &[&World], mut call: JoinHandle<Verdict>) -> Verdict {
    loop {
        for world in worlds {
            // Everything else goes on meanwhile: a witness on loopback has answered long before the time is up.
            for _ in 0..40 {
                world.store.catch_up().await;
            }
            world.clock.advance(Duration::from_secs(1));
        }
        tokio::select! {
            biased;
            verdict = &mut call => return verdict.unwrap(),
            () = tokio::task::yield_now() => {}
        }
    }
}

fn trusted(witnesses: &[&SigningKey], quorum: usize) -> TrustedLog {
    let keys = witnesses.iter().map(|witness| witness.key().clone());
    let keys: Vec<VerifierKey> = keys.chain([LogKey::new().key().clone()]).collect();
    TrustedLog::new(&keys).unwrap().with_quorum(quorum)
}

/// `w1`, answering at once.
fn honest() -> Way {
    Way::Scripted(Arc::new(Box::new(|asked| signs(&cosign(asked.note(), &key("w1", 1), 5).unwrap()))))
}

fn signs(line: &SignatureLine) -> Answered {
    Ok(WitnessAnswer { status: 200, body: line.to_string().into() })
}

#[tokio::test]
async fn an_action_runs_with_the_cosignature_in_its_proof_and_later_receipts_carry_one() {
    let (folder, upstream) = (TempDir::new().unwrap(), CountingUpstream::default());
    let witness = Asked::new(&key("w1", 1), serve(folder.path(), key("w1", 1)).await);
    let world = world(1, &[&witness]).await;
    assert!(ran(&approved(&world, "vault", &upstream).await));
    let covered = upstream.covered();
    let [Some(covered)] = covered.as_slice() else { panic!("{covered:?}") };
    let seen = trusted(&[&key("w1", 1)], 1).verify(covered.checkpoint().note.as_bytes()).unwrap();
    assert_eq!(seen.checkpoint().size(), covered.checkpoint().size);
    assert!(covered.checkpoint().size > covered.index());
    let released = &ledger::leaves(&world)[usize::try_from(covered.index()).unwrap()];
    assert_eq!(released["type"], "action.released");
    // The next one brings a cosigned checkpoint over the whole story of the first.
    assert!(ran(&approved(&world, "vault", &upstream).await));
    let first = world.store.in_state(State::Executed).unwrap()[0];
    let first = world.store.review(first).unwrap().unwrap();
    let receipt = world.store.receipt(first.action).await.unwrap().unwrap();
    let report = receipt.verify(&trusted(&[&key("w1", 1)], 1)).unwrap();
    assert_eq!(report.outcome, Some("executed"));
    ledger::check(&world);
}

#[tokio::test]
async fn without_its_witness_an_action_does_not_run_and_what_needs_none_goes_on() {
    let upstream = CountingUpstream::default();
    let witness = Asked::new(&key("w1", 1), Way::Down);
    let world = world(1, &[&witness]).await;
    let (first, second) = (
        held(&world, Verb::Delete, "vault", &upstream).await,
        held(&world, Verb::Delete, "vault", &upstream).await,
    );
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    soon(world.until(review.id, State::Claimed)).await;
    // Meanwhile the others.
    assert!(ran(&approved(&world, "orders", &upstream).await));
    let reads = world.gate.pass(world.draft(Verb::Read, "vault"), TestCall::new(&upstream)).await;
    assert!(ran(&reads), "{reads:?}");
    assert_eq!(upstream.received().len(), 2);

    for call in [first, second] {
        let verdict = ends(&[&world], call).await;
        assert_eq!(code(&verdict), Some(ReasonCode::Unwitnessed), "{verdict:?}");
    }
    soon(world.until(review.id, State::Failed)).await;
    assert_eq!(upstream.received().len(), 2, "it ran without a witness");
    let outcome = world.store.action(review.action).unwrap().unwrap().outcome.unwrap();
    assert!(outcome.note.unwrap().starts_with("nothing was sent"));

    // The approval is spent: the same again is a new question, and a restart sends nothing either.
    let again = held(&world, Verb::Delete, "vault", &upstream).await;
    assert_ne!(world.the_review(State::Pending).await.id, review.id);
    again.abort();
    let restarted = world.reopen().await;
    assert_eq!(restarted.store.review(review.id).unwrap().unwrap().state, State::Failed);
    ledger::check(&restarted);
    assert_eq!(upstream.received().len(), 2);
}

#[tokio::test]
async fn a_witness_that_comes_back_in_time_lets_it_run() {
    let upstream = CountingUpstream::default();
    let witness = Asked::new(&key("w1", 1), Way::Down);
    let world = world(1, &[&witness]).await;
    let call = held(&world, Verb::Delete, "vault", &upstream).await;
    let review = world.the_review(State::Pending).await;
    let before = *witness.times.borrow();
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    witness.asked_after(before).await;
    // Asked again after a pause, which is shorter than the wait.
    witness.exchange(honest());
    let verdict = ends(&[&world], call).await;
    assert!(ran(&verdict), "{verdict:?}");
}

/// Waiting takes time, in which rights may end.
#[tokio::test]
async fn what_changes_while_a_witness_is_waited_for_still_counts() {
    let upstream = CountingUpstream::default();
    let witness = Asked::new(&key("w1", 1), Way::Down);
    let world = world(1, &[&witness]).await;
    let call = held(&world, Verb::Delete, "vault", &upstream).await;
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    soon(world.until(review.id, State::Claimed)).await;
    world.identity.revoke_agent("batch", countersign_gate::Clock::now(&world.clock)).await.unwrap();
    witness.exchange(honest());
    let verdict = ends(&[&world], call).await;
    assert_eq!(code(&verdict), Some(ReasonCode::ChangedSinceApproval), "{verdict:?}");
    soon(world.until(review.id, State::Failed)).await;
    assert!(upstream.received().is_empty());
}

/// Each of these answers comes with status 200, and none is a cosignature of that witness over what it was asked about.
#[tokio::test]
async fn what_a_lying_witness_answers_does_not_count() {
    let older: Arc<Mutex<Option<Note>>> = Arc::default();
    let kept = Arc::clone(&older);
    let lies: Vec<(&str, Script)> = vec![
        (
            "another key of its name",
            Box::new(|asked| signs(&cosign(asked.note(), &key("w1", 9), 5).unwrap())),
        ),
        (
            "another key under its id",
            Box::new(|asked| {
                let line = cosign(asked.note(), &key("w1", 9), 5).unwrap();
                signs(&SignatureLine::new(key("w1", 1).key(), line.signature().to_vec()))
            }),
        ),
        ("another witness", Box::new(|asked| signs(&cosign(asked.note(), &key("w2", 2), 5).unwrap()))),
        (
            "an older checkpoint",
            Box::new(move |asked| {
                let note = kept.lock().unwrap().get_or_insert_with(|| asked.note().clone()).clone();
                if note.text() == asked.note().text() {
                    return Err("not yet".into());
                }
                signs(&cosign(&note, &key("w1", 1), 5).unwrap())
            }),
        ),
        (
            "another root",
            Box::new(|asked| {
                let size = Checkpoint::from_text(asked.note().text()).unwrap().size();
                let other = Checkpoint::new(asked.origin(), size, [7; 32]).unwrap().sign(&[]).unwrap();
                signs(&cosign(&other, &key("w1", 1), 5).unwrap())
            }),
        ),
        ("the log's own signature", Box::new(|asked| signs(&asked.note().signatures()[0]))),
        ("nothing", Box::new(|_| Ok(WitnessAnswer { status: 200, body: "".into() }))),
        ("no lines", Box::new(|_| Ok(WitnessAnswer { status: 200, body: "signed!\n".into() }))),
        ("a conflict with any size", Box::new(|_| Ok(WitnessAnswer { status: 409, body: "3\n".into() }))),
        ("a conflict without a size", Box::new(|_| Ok(WitnessAnswer { status: 409, body: "-\n".into() }))),
        ("a redirection", Box::new(|_| Ok(WitnessAnswer { status: 307, body: "".into() }))),
    ];
    for (what, lie) in lies {
        let upstream = CountingUpstream::default();
        let witness = Asked::new(&key("w1", 1), Way::Scripted(Arc::new(lie)));
        let world = world(1, &[&witness]).await;
        let verdict = approved_in_vain(&world, &witness, &upstream).await;
        assert_eq!(code(&verdict), Some(ReasonCode::Unwitnessed), "{what}: {verdict:?}");
        assert!(upstream.received().is_empty(), "{what}: it ran");
        let published = world.store.published().unwrap().unwrap();
        assert_eq!(Note::parse(published.as_bytes()).unwrap().signatures().len(), 1, "{what}: it was kept");
    }
    // The same with the truth runs.
    let upstream = CountingUpstream::default();
    let world = world(1, &[&Asked::new(&key("w1", 1), honest())]).await;
    assert!(ran(&approved(&world, "vault", &upstream).await));
}

#[tokio::test]
async fn one_witness_is_not_two() {
    let upstream = CountingUpstream::default();
    let truth = |asked: &AddCheckpoint| signs(&cosign(asked.note(), &key("w1", 1), 5).unwrap());
    let (first, second) = (Asked::scripted(&key("w1", 1), truth), Asked::scripted(&key("w2", 2), truth));
    let one_in_two = world(2, &[&first, &second]).await;
    let verdict = approved_in_vain(&one_in_two, &second, &upstream).await;
    assert_eq!(code(&verdict), Some(ReasonCode::Unwitnessed), "{verdict:?}");
    assert!(upstream.received().is_empty());

    second.exchange(Way::Scripted(Arc::new(Box::new(|asked| {
        signs(&cosign(asked.note(), &key("w2", 2), 5).unwrap())
    }))));
    assert!(ran(&approved(&one_in_two, "vault", &upstream).await));
    let covered = upstream.covered().remove(0).unwrap();
    trusted(&[&key("w1", 1), &key("w2", 2)], 2).verify(covered.checkpoint().note.as_bytes()).unwrap();
}

/// A witness whose state was put back would sign a fork of what it has signed since.
#[tokio::test]
async fn a_witness_that_has_forgotten_does_not_count_any_more() {
    let (folder, old, upstream) =
        (TempDir::new().unwrap(), TempDir::new().unwrap(), CountingUpstream::default());
    let witness = Asked::new(&key("w1", 1), serve(folder.path(), key("w1", 1)).await);
    let world = world(1, &[&witness]).await;
    assert!(ran(&approved(&world, "vault", &upstream).await));
    for file in std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()) {
        std::fs::copy(&file, old.path().join(file.file_name().unwrap())).unwrap();
    }
    assert!(ran(&approved(&world, "vault", &upstream).await));
    witness.exchange(serve(old.path(), key("w1", 1)).await);
    let verdict = approved_in_vain(&world, &witness, &upstream).await;
    assert_eq!(code(&verdict), Some(ReasonCode::Unwitnessed), "{verdict:?}");
    assert_eq!(upstream.received().len(), 2);
    // With all that it knew it counts again.
    witness.exchange(serve(&copied(folder.path()), key("w1", 1)).await);
    assert!(ran(&approved(&world, "vault", &upstream).await));
}

/// The same without a network between, and with a cosignature for whoever goes along with it.
#[tokio::test]
async fn a_witness_that_says_less_than_it_has_cosigned_does_not_count() {
    let upstream = CountingUpstream::default();
    let witness = Asked::new(&key("w1", 1), honest());
    let world = world(1, &[&witness]).await;
    assert!(ran(&approved(&world, "vault", &upstream).await));
    witness.exchange(Way::Scripted(Arc::new(Box::new(|asked| {
        if asked.to_string().starts_with("old 3\n") {
            return signs(&cosign(asked.note(), &key("w1", 1), 5).unwrap());
        }
        Ok(WitnessAnswer { status: 409, body: "3\n".into() })
    }))));
    let verdict = approved_in_vain(&world, &witness, &upstream).await;
    assert_eq!(code(&verdict), Some(ReasonCode::Unwitnessed), "{verdict:?}");
    assert_eq!(upstream.received().len(), 1);
}

/// The folder without its lock, for a witness that takes the place of one that is gone.
fn copied(folder: &Path) -> std::path::PathBuf {
    let copy = folder.join("copy");
    std::fs::create_dir(&copy).unwrap();
    for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        if file.is_file() {
            std::fs::copy(&file, copy.join(file.file_name().unwrap())).unwrap();
        }
    }
    copy
}

/// Two gateways with one key, as after a copy of the folder was started elsewhere: the witness follows one of them.
#[tokio::test]
async fn of_two_ledgers_with_one_key_only_one_is_witnessed() {
    let folder = TempDir::new().unwrap();
    let way = serve(folder.path(), key("w1", 1)).await;
    let Way::Real(remote) = way else { panic!() };
    let witness = |remote: &Remote| Asked::new(&key("w1", 1), Way::Real(Box::new(remote.clone())));
    let (first, second) = (witness(&remote), witness(&remote));
    let (one, two) = (world(1, &[&first]).await, world(1, &[&second]).await);
    // Worlds are made alike; from here on they differ.
    two.add_agent("another", "olaf").await;
    let (ran_here, ran_there) = (CountingUpstream::default(), CountingUpstream::default());
    let here = held(&one, Verb::Delete, "vault", &ran_here).await;
    let there = held(&two, Verb::Delete, "vault", &ran_there).await;
    for world in [&one, &two] {
        let review = world.the_review(State::Pending).await;
        world.vote("ada", &review, Answer::Approve).await.unwrap();
    }
    let (mut here, mut there) = (here, there);
    let (winner, loser) = tokio::select! {
        verdict = &mut here => (verdict, there),
        verdict = &mut there => (verdict, here),
    };
    assert!(ran(&winner.unwrap()));
    let loser = ends(&[&one, &two], loser).await;
    assert_eq!(code(&loser), Some(ReasonCode::Unwitnessed), "{loser:?}");
    assert_eq!(ran_here.received().len() + ran_there.received().len(), 1);
}

#[tokio::test]
async fn more_witnesses_than_there_are_spend_no_approval() {
    let upstream = CountingUpstream::default();
    let witness = Asked::new(&key("w1", 1), Way::Down);
    let world = world(2, &[&witness]).await;
    let verdict = approved(&world, "vault", &upstream).await;
    assert_eq!(code(&verdict), Some(ReasonCode::Unwitnessed), "{verdict:?}");
    assert_eq!(world.store.in_state(State::Approved).unwrap().len(), 1);
    assert!(upstream.received().is_empty());
}

/// Whoever approved did so under other policies; what the ones of now ask for holds all the same.
#[tokio::test]
async fn a_policy_that_asks_for_a_witness_meanwhile_is_obeyed() {
    let upstream = CountingUpstream::default();
    let world = World::new().await;
    let call = held(&world, Verb::Delete, "vault", &upstream).await;
    let review = world.the_review(State::Pending).await;
    let text = policy(1);
    world.policy.replace(&[Source { path: "test.cedar".to_owned(), text }]).unwrap();
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    let verdict = call.await.unwrap();
    assert_eq!(code(&verdict), Some(ReasonCode::Unwitnessed), "{verdict:?}");
    assert!(upstream.received().is_empty());
}
