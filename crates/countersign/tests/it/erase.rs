//! Is what was erased gone, also from copies, and does everything else still hold?

use std::path::Path;

use countersign_core::{ActionId, Answer, Review, State, Verb};
use countersign_gate::Clock as _;
use countersign_ledger::checkpoint::TrustedLog;
use countersign_ledger::note::Sign as _;
use countersign_ledger::receipt::Report;
use countersign_store::{Erasure, Store};
use countersign_testkit::{CountingUpstream, LogKey, TestCall, World};
use rusqlite::Connection;

use crate::sealed;

/// Names and words that stand nowhere but in content.
const SECRETS: [&str; 3] = ["row-of-zoltan", "zoltan wrote and asked", "ada says approve"];

/// An action of olaf's agent that ada approved and that ran.
async fn executed(world: &World) -> Review {
    let upstream = CountingUpstream::default();
    let mut draft = world.draft(Verb::Delete, SECRETS[0]);
    draft.operation = "delete".to_owned();
    draft.claim = Some(SECRETS[1].to_owned());
    let (gate, call) = (world.gate.clone(), TestCall::new(&upstream));
    let held = tokio::spawn(async move { gate.pass(draft, call).await });
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    held.await.unwrap();
    world.until(review.id, State::Executed).await;
    review
}

async fn report(world: &World, action: ActionId) -> Report {
    let log = TrustedLog::new(&[LogKey::new().key().clone()]).unwrap();
    world.store.receipt(action).await.unwrap().unwrap().verify(&log).unwrap()
}

/// Which of the words stand readable in a file of the folder.
fn readable(folder: &Path, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        let bytes = std::fs::read(file.path()).unwrap();
        let holds = |word: &&&str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        found.extend(words.iter().filter(holds).map(|word| format!("{word} in {:?}", file.file_name())));
    }
    found
}

#[tokio::test]
async fn nothing_about_actions_and_votes_stands_readable_in_the_files() {
    let world = World::new().await;
    let review = executed(&world).await;
    assert_eq!(world.store.action(review.action).unwrap().unwrap().action.claim(), Some(SECRETS[1]));
    assert_eq!(readable(&world.folder(), &SECRETS), Vec::<String>::new());
}

#[tokio::test]
async fn an_erased_persons_actions_and_words_are_gone_and_every_proof_still_holds() {
    let world = World::new().await;
    let review = executed(&world).await;
    let now = world.clock.now();
    let before = report(&world, review.action).await;
    assert!(before.undisclosed.is_empty());

    assert_eq!(world.store.erase_person("olaf".to_owned(), now).await.unwrap(), Erasure::StillHere);
    world.store.remove_person("olaf".to_owned(), now).await.unwrap().unwrap();
    let done = world.store.erase_person("olaf".to_owned(), now).await.unwrap();
    assert_eq!(done, Erasure::Done(vec![review.action]));
    assert_eq!(world.store.action(review.action).unwrap(), None);
    assert_eq!(world.store.review(review.id).unwrap(), None);
    assert!(world.store.person_by_name("olaf").unwrap().is_none());
    assert_eq!(world.store.erase_person("olaf".to_owned(), now).await.unwrap(), Erasure::NotFound);

    // What ada said is about ada.
    let shown = world.store.timeline(review.action).await.unwrap();
    let said: Vec<_> = shown.iter().filter_map(|entry| entry.content.get("reason")).collect();
    assert_eq!(said, [SECRETS[2]]);
    let after = report(&world, review.action).await;
    assert_eq!(after.outcome, before.outcome);
    assert!(after.undisclosed.iter().any(|entry| entry.payload));

    world.store.remove_person("ada".to_owned(), now).await.unwrap().unwrap();
    assert_eq!(world.store.erase_person("ada".to_owned(), now).await.unwrap(), Erasure::Done(Vec::new()));
    let shown = world.store.timeline(review.action).await.unwrap();
    assert!(shown.iter().all(|entry| entry.content.is_empty()), "{shown:?}");
    let last = report(&world, review.action).await;
    assert_eq!((last.outcome, last.approvers.len()), (before.outcome, 1));
}

#[tokio::test]
async fn a_voters_name_leaves_the_reviews_of_others() {
    let world = World::new().await;
    let review = executed(&world).await;
    let now = world.clock.now();
    world.store.remove_person("ada".to_owned(), now).await.unwrap().unwrap();
    world.store.erase_person("ada".to_owned(), now).await.unwrap();
    let vote = world.store.review(review.id).unwrap().unwrap().votes.remove(0);
    assert_eq!((vote.name.as_str(), vote.reason.as_str()), ("(erased)", ""));
    assert!(world.store.action(review.action).unwrap().is_some());
}

#[tokio::test]
async fn an_older_copy_without_the_keys_gives_nothing_away() {
    let world = World::new().await;
    let review = executed(&world).await;
    let older = tempfile::tempdir().unwrap();
    let copy = older.path().join(Store::FILE);
    Connection::open(world.folder().join(Store::FILE))
        .unwrap()
        .execute("VACUUM INTO ?1", [copy.to_str().unwrap()])
        .unwrap();
    assert_eq!(readable(older.path(), &SECRETS), Vec::<String>::new());
    // Whoever takes the key out of the copy has taken the content.
    let db = sealed::file(older.path());
    let id = review.action.to_string();
    let read = || db.query_row(sealed::PAYLOAD, [&id], |row| row.get::<_, Vec<u8>>(0));
    assert!(String::from_utf8(read().unwrap()).unwrap().contains(SECRETS[0]));
    db.execute("DELETE FROM keys WHERE owner = ?1", [&id]).unwrap();
    read().unwrap_err();
}

#[tokio::test]
async fn what_has_not_ended_is_not_erased() {
    let world = World::new().await;
    let upstream = CountingUpstream::default();
    let (gate, call) = (world.gate.clone(), TestCall::new(&upstream));
    let draft = world.draft(Verb::Delete, "orders");
    let held = tokio::spawn(async move { gate.pass(draft, call).await });
    let review = world.the_review(State::Pending).await;
    let now = world.clock.now();
    let unfinished = Erasure::Unfinished(vec![review.action]);
    assert_eq!(world.store.erase_action(review.action, now).await.unwrap(), unfinished);
    world.store.remove_person("olaf".to_owned(), now).await.unwrap().unwrap();
    assert_eq!(world.store.erase_person("olaf".to_owned(), now).await.unwrap(), unfinished);
    assert!(world.store.person_by_name("olaf").unwrap().is_some());
    world.vote("ada", &review, Answer::Deny).await.unwrap();
    held.await.unwrap();
    assert_eq!(
        world.store.erase_action(review.action, now).await.unwrap(),
        Erasure::Done(vec![review.action])
    );
}
