use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use countersign_core::{AgentId, Digest, Entropy, PersonId, Timestamp};

use super::*;
use crate::{AgentAddition, AgentToAdd, Faults, Options, Rule, RuleSet};

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const LATER: Timestamp = Timestamp::from_micros(1_800_000_060_000_000);

#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        for (byte, value) in bytes.iter_mut().rev().zip(count.to_le_bytes()) {
            *byte = value;
        }
    }
}

/// Fails every write once `left` writes went well; never when it is negative.
#[derive(Debug)]
struct FailAfter {
    left: AtomicI64,
}

impl Faults for FailAfter {
    fn before(&self, point: &'static str) -> Result<(), std::io::Error> {
        match self.left.load(Ordering::SeqCst) {
            0 => Err(std::io::Error::other(point)),
            left if left > 0 => {
                self.left.store(left - 1, Ordering::SeqCst);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

struct World {
    store: Store,
    entropy: Arc<Counting>,
    faults: Arc<FailAfter>,
    _folder: tempfile::TempDir,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let entropy = Arc::new(Counting::default());
    let faults = Arc::new(FailAfter { left: AtomicI64::new(-1) });
    let options = Options {
        faults: Some(faults.clone()),
        ..Options::new(
            folder.path(),
            entropy.clone(),
            crate::tree::tests::key(),
            crate::tree::tests::content_key(),
        )
    };
    World { store: Store::open(&options).unwrap(), entropy, faults, _folder: folder }
}

fn link() -> Digest {
    Digest::of(b"link")
}

impl World {
    async fn invite(&self, name: &str) -> Result<StoredPerson, StoreError> {
        let new = InvitationToMake {
            fresh_id: PersonId::mint(NOW, self.entropy.as_ref()),
            name: name.to_owned(),
            name_key: name.to_owned(),
            groups: BTreeSet::from(["oncall".to_owned()]),
            token_hash: link(),
            expires_at: LATER,
        };
        self.store.invite(new, NOW).await
    }

    async fn accept(&self) -> Result<Option<StoredSession>, StoreError> {
        self.store.accept_invitation(link(), session("ses_link"), NOW).await
    }

    async fn enrol(&self, person: PersonId) -> Result<PasskeyEnrolment, StoreError> {
        let passkey = StoredPasskey {
            id: "pky_1".to_owned(),
            credential_id: vec![1],
            person,
            label: "laptop".to_owned(),
            public_key: vec![2],
            sign_count: 0,
            backup_eligible: false,
            transports: Vec::new(),
            enrolled_at: NOW,
            last_used_at: None,
        };
        let evidence = vec![("public_key", "Ag".to_owned())];
        self.store.enrol_passkey(PasskeyToEnrol { passkey, backed_up: false, evidence }, NOW).await
    }

    async fn passkey_sign_in(&self) -> Result<Option<StoredSession>, StoreError> {
        let used =
            PasskeyUse { id: "pky_1".to_owned(), sign_count_before: 0, sign_count: 0, backed_up: false };
        self.store.sign_in_with_passkey(used, session("ses_passkey"), NOW).await
    }

    async fn add_agent(&self) -> Result<AgentAddition, StoreError> {
        let new = AgentToAdd {
            id: AgentId::mint(NOW, self.entropy.as_ref()),
            name: "importer".to_owned(),
            owner_key: "zoe".to_owned(),
            on_behalf_of_key: None,
            teams: BTreeSet::from(["data".to_owned()]),
            token_hash: Some(Digest::of(b"agent")),
            rules: vec![workload()],
            expires_at: LATER,
        };
        self.store.add_agent(new, NOW).await
    }

    /// Everything that stands in the tables of people, agents and the ledger.
    fn all(&self) -> Vec<String> {
        let tables = [
            "people",
            "invitations",
            "sessions",
            "passkeys",
            "challenges",
            "agents",
            "agent_rules",
            "entries",
            "contents",
        ];
        let read = |conn: &Connection| {
            let mut lines = Vec::new();
            for table in tables {
                let mut statement = conn.prepare(&format!("SELECT * FROM {table}"))?;
                let columns = statement.column_count();
                let mut rows = statement.query([])?;
                while let Some(row) = rows.next()? {
                    let cells: Vec<_> = (0..columns).map(|at| row.get_ref(at).unwrap()).collect();
                    lines.push(format!("{table} {cells:?}"));
                }
            }
            Ok(lines)
        };
        self.store.read(read).unwrap()
    }

    /// Kinds and leaves of the ledger, in order.
    fn ledger(&self) -> Vec<(String, String)> {
        let read = |conn: &Connection| {
            let mut statement = conn.prepare("SELECT kind, CAST(leaf AS TEXT) FROM entries ORDER BY idx")?;
            statement.query_and_then([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        self.store.read(read).unwrap()
    }
}

fn workload() -> RuleSet {
    RuleSet { issuer: Some("https://issuer.example".to_owned()), rules: vec![Rule::new("sub", "robot")] }
}

fn session(id: &str) -> SessionToStart {
    SessionToStart { id: id.to_owned(), token_hash: Digest::of(id.as_bytes()), expires_at: LATER }
}

/// The whole life of a person, step by step.
async fn step(world: &World, number: usize) -> Result<(), StoreError> {
    let zoe = || world.store.person_by_name("zoe").unwrap().unwrap().id;
    match number {
        0 => world.invite("zoe").await.map(drop),
        1 => world.accept().await.map(|session| assert!(session.is_some())),
        2 => world.enrol(zoe()).await.map(|done| assert_eq!(done, PasskeyEnrolment::Enrolled)),
        3 => world.passkey_sign_in().await.map(|session| assert!(session.is_some())),
        4 => world.add_agent().await.map(|done| assert!(matches!(done, AgentAddition::Added(_)))),
        5 => {
            let key = SessionKey::Id("ses_link".to_owned());
            world.store.end_session(key, NOW).await.map(|ended| assert!(ended))
        }
        6 => {
            let removed = world.store.remove_passkey(zoe(), "pky_1".to_owned(), NOW).await;
            removed.map(|removed| assert!(removed))
        }
        7 => {
            let groups = BTreeSet::from(["ops".to_owned()]);
            world.store.set_groups("zoe".to_owned(), groups, NOW).await.map(drop)
        }
        8 => world.store.revoke_agent("importer".to_owned(), NOW).await.map(drop),
        9 => world.add_agent_again().await,
        10 => world.enrol(zoe()).await.map(|done| assert_eq!(done, PasskeyEnrolment::Enrolled)),
        _ => world.store.remove_person("zoe".to_owned(), NOW).await.map(drop),
    }
}

const STEPS: usize = 12;

impl World {
    async fn add_agent_again(&self) -> Result<(), StoreError> {
        let new = AgentToAdd {
            id: AgentId::mint(LATER, self.entropy.as_ref()),
            name: "importer".to_owned(),
            owner_key: "zoe".to_owned(),
            on_behalf_of_key: Some("zoe".to_owned()),
            teams: BTreeSet::new(),
            token_hash: Some(Digest::of(b"agent again")),
            rules: Vec::new(),
            expires_at: LATER,
        };
        self.store.add_agent(new, NOW).await.map(drop)
    }
}

#[tokio::test]
async fn every_change_has_its_ledger_entry_without_personal_data() {
    let world = world();
    for number in 0..STEPS {
        step(&world, number).await.unwrap();
    }
    let ledger = world.ledger();
    let kinds: Vec<&str> = ledger.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "person.invited",
            "person.signed_in",
            "credential.enrolled",
            "person.signed_in",
            "agent.added",
            "session.ended",
            "session.ended",
            "credential.revoked",
            "person.invited",
            "agent.revoked",
            "agent.added",
            "credential.enrolled",
            "credential.revoked",
            "agent.revoked",
            "person.removed",
        ]
    );
    for (kind, leaf) in &ledger {
        for secret in ["zoe", "importer", "laptop", "oncall", "ops", "data", "ses_", "pky_", "robot"] {
            assert!(!leaf.contains(secret), "`{secret}` stands in the leaf of {kind}: {leaf}");
        }
    }
}

#[tokio::test]
async fn a_write_that_fails_anywhere_leaves_everything_as_it_was() {
    let world = world();
    for number in 0..STEPS {
        let before = world.all();
        for good_writes in 0.. {
            world.faults.left.store(good_writes, Ordering::SeqCst);
            let answer = step(&world, number).await;
            world.faults.left.store(-1, Ordering::SeqCst);
            if answer.is_ok() {
                assert!(good_writes >= 3, "step {number} writes at least a change, an entry and a commit");
                break;
            }
            assert_eq!(world.all(), before, "step {number} failed after {good_writes} writes");
        }
        assert_ne!(world.all(), before, "step {number} does something");
    }
}

#[tokio::test]
async fn challenges_that_nobody_answers_do_not_pile_up() {
    let world = world();
    let fill = |tx: &mut Tx<'_>| {
        tx.exec(
            "challenges",
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10500) \
             INSERT INTO challenges (hash, person, expires_at) SELECT randomblob(32), NULL, ?1 + i FROM n",
            [LATER.as_micros()],
        )
    };
    world.store.write(Durability::Relaxed, fill).await.unwrap();
    let count = || {
        let read = |conn: &Connection| {
            Ok(conn.query_row("SELECT count(*), min(expires_at) FROM challenges", [], |row| {
                Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)?))
            })?)
        };
        world.store.read(read).unwrap()
    };
    let challenge =
        StoredChallenge { person: None, expires_at: LATER.plus(std::time::Duration::from_secs(60)) };
    world.store.keep_challenge(Digest::of(b"1"), challenge.clone(), NOW).await.unwrap();
    let (left, oldest) = count();
    assert_eq!(left, Store::CHALLENGES_MAX);
    assert!(oldest > LATER.as_micros() + 500, "the oldest went");
    assert_eq!(world.store.take_challenge(Digest::of(b"1")).await.unwrap(), Some(challenge.clone()));
    let much_later = LATER.plus(std::time::Duration::from_secs(30));
    world.store.keep_challenge(Digest::of(b"2"), challenge, much_later).await.unwrap();
    assert_eq!(count().0, 1, "what has ended is deleted");
}

#[tokio::test]
async fn a_passkey_used_by_somebody_else_since_it_was_read_signs_nobody_in() {
    let world = world();
    for number in 0..3 {
        step(&world, number).await.unwrap();
    }
    let use_with = |before, after, id: &str| {
        let used = PasskeyUse {
            id: "pky_1".to_owned(),
            sign_count_before: before,
            sign_count: after,
            backed_up: false,
        };
        world.store.sign_in_with_passkey(used, session(id), NOW)
    };
    assert!(use_with(0, 5, "ses_1").await.unwrap().is_some());
    assert!(use_with(0, 6, "ses_2").await.unwrap().is_none());
    assert!(use_with(5, 6, "ses_3").await.unwrap().is_some());
}
