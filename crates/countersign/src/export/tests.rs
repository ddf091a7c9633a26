//! Does every entry arrive, in order, whatever the target and the process go through? Real sockets, files and stores, and
//! a clock that the test moves.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use countersign_core::{Entropy, Timestamp};
use countersign_store::{ContentKey, Faults, Options};
use countersign_testkit::{CONTENT_KEY, FakeClock, LogKey, SeededEntropy, World};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost_otlp::Message as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;

/// A test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A store, and the exports that follow it.
struct Site {
    store: Store,
    clock: FakeClock,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

fn open(folder: &Path, seed: u64, faults: Option<Arc<dyn Faults>>) -> Store {
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(seed));
    let content_key = Arc::new(ContentKey::new(&CONTENT_KEY).unwrap());
    Store::open(&Options { faults, ..Options::new(folder, entropy, LogKey::new(), content_key) }).unwrap()
}

impl Site {
    async fn of(store: Store, export: Export) -> Self {
        let (clock, stop) = (FakeClock::default(), CancellationToken::new());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let tasks = start(vec![export], &store, &shared, &stop).await.unwrap();
        Self { store, clock, stop, tasks }
    }

    async fn at(folder: &TempDir, seed: u64, export: Export) -> Self {
        Self::of(open(folder.path(), seed, None), export).await
    }

    async fn append(&self, count: usize) {
        append(&self.store, count).await;
    }

    /// As a stop of the gateway.
    async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }

    /// What comes next, moving the clock until it does.
    async fn next<T>(&self, from: &mut UnboundedReceiver<T>) -> T {
        let next = async {
            loop {
                tokio::select! {
                    biased;
                    got = from.recv() => return got.unwrap(),
                    () = tokio::task::yield_now() => self.clock.advance(Duration::from_secs(1)),
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("something comes")
    }

    /// Waits until the export's target has taken entry `last`.
    async fn until(&self, last: u64) {
        let taken = async {
            while self.store.exports().unwrap()[0].next <= last {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, taken).await.expect("it is taken");
    }
}

async fn append(store: &Store, count: usize) {
    for _ in 0..count {
        store.heartbeat(Timestamp::from_micros(1_795_323_600_000_000)).await.unwrap();
    }
}

fn export(form: Form, place: Place) -> Export {
    let (name, disclosure) = ("siem".to_owned(), Disclosure::default());
    Export { name, form, place, disclosure, from_start: true }
}

const JSON: Form = Form::Lines(LineFormat::Json);

/// What a receiver got.
#[derive(Debug)]
struct Post {
    at: Timestamp,
    headers: HeaderMap,
    body: Bytes,
}

impl Post {
    fn indexes(&self) -> Vec<u64> {
        indexes(std::str::from_utf8(&self.body).unwrap())
    }
}

fn indexes(lines: &str) -> Vec<u64> {
    let index = |line: &str| serde_json::from_str::<Value>(line).unwrap()["index"].as_u64().unwrap();
    lines.lines().map(index).collect()
}

type Answers = Arc<std::sync::Mutex<Vec<(u16, Vec<u8>)>>>;
type Shared = (Answers, UnboundedSender<Post>, FakeClock);

/// A receiver that gives these answers first, and `200` from then on.
struct Receiver {
    url: String,
    posts: UnboundedReceiver<Post>,
    clock: FakeClock,
}

impl Receiver {
    async fn that_answers(answers: &[u16]) -> Self {
        Self::that_says(answers.iter().map(|status| (*status, Vec::new())).collect()).await
    }

    async fn that_says(mut answers: Vec<(u16, Vec<u8>)>) -> Self {
        answers.reverse();
        let answers: Answers = Arc::new(std::sync::Mutex::new(answers));
        let (sender, posts) = unbounded_channel();
        let clock = FakeClock::default();
        let router = Router::new().fallback(receive).with_state((answers, sender, clock.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/logs", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, posts, clock }
    }

    fn place(&self) -> Place {
        Place::Url { url: self.url.clone(), token: Some(Token("t0ken".to_owned())) }
    }
}

async fn receive(
    State((answers, posts, clock)): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Vec<u8>) {
    assert_eq!(uri.path(), "/v1/logs");
    let (status, said) = answers.lock().unwrap().pop().unwrap_or((200, Vec::new()));
    posts.send(Post { at: clock.now(), headers, body }).unwrap();
    (StatusCode::from_u16(status).unwrap(), said)
}

/// A site whose clock the receiver shares.
async fn with_receiver(folder: &TempDir, receiver: &Receiver, form: Form, entries: usize) -> Site {
    let store = open(folder.path(), 1, None);
    append(&store, entries).await;
    let (clock, stop) = (receiver.clock.clone(), CancellationToken::new());
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let tasks = start(vec![export(form, receiver.place())], &store, &shared, &stop).await.unwrap();
    Site { store, clock, stop, tasks }
}

#[tokio::test]
async fn a_receiver_that_refuses_gets_everything_later_in_order_and_is_not_pressed() {
    let folder = TempDir::new().unwrap();
    let mut receiver = Receiver::that_answers(&[503, 503, 429, 500, 301, 400, 404]).await;
    // With the entry that tells of the export there are 601, so three batches.
    let site = with_receiver(&folder, &receiver, JSON, 600).await;
    let mut refused = Vec::new();
    for _ in 0..7 {
        refused.push(site.next(&mut receiver.posts).await);
    }
    assert_eq!(site.store.exports().unwrap()[0].next, 0, "nothing was taken yet");
    let mut taken = vec![site.next(&mut receiver.posts).await];
    for (at, wait) in [1, 2, 5, 15, 30, 60, 60].into_iter().enumerate() {
        let next = refused.get(at + 1).unwrap_or(&taken[0]);
        assert!(next.at.since(refused[at].at) >= Duration::from_secs(wait), "{wait} seconds");
        assert_eq!(refused[at].body, taken[0].body, "the same batch again");
    }
    for _ in 0..2 {
        taken.push(site.next(&mut receiver.posts).await);
    }
    let all: Vec<u64> = taken.iter().flat_map(Post::indexes).collect();
    assert_eq!(all, (0..601).collect::<Vec<u64>>());
    assert_eq!(taken[0].indexes().len(), 256);
    assert_eq!(taken[0].headers["authorization"], "Bearer t0ken");
    assert_eq!(taken[0].headers["content-type"], "application/x-ndjson");
    // And what comes later, by itself.
    site.append(1).await;
    assert_eq!(site.next(&mut receiver.posts).await.indexes(), [601]);
    site.stop().await;
}

#[tokio::test]
async fn after_a_restart_it_goes_on_where_it_was() {
    let folder = TempDir::new().unwrap();
    let mut receiver = Receiver::that_answers(&[]).await;
    let site = with_receiver(&folder, &receiver, JSON, 3).await;
    assert_eq!(site.next(&mut receiver.posts).await.indexes(), [0, 1, 2, 3]);
    // Its next request proves that the answer to the first has arrived and the place is kept.
    site.append(1).await;
    assert_eq!(site.next(&mut receiver.posts).await.indexes(), [4]);
    site.stop().await;
    let site = Site::at(&folder, 2, export(JSON, receiver.place())).await;
    site.append(2).await;
    let mut got = Vec::new();
    while got.last() != Some(&6) {
        got.extend(site.next(&mut receiver.posts).await.indexes());
    }
    // The answer to the last request may not have been noted before the stop.
    assert!(got == [5, 6] || got == [4, 5, 6], "{got:?}");
    site.stop().await;
}

/// Fails whatever is written about exports once it is told to.
#[derive(Default)]
struct NoPlaces(AtomicBool);

impl Faults for NoPlaces {
    fn before(&self, point: &'static str) -> Result<(), std::io::Error> {
        let fails = point == "exports" && self.0.load(Ordering::Relaxed);
        if fails { Err(std::io::Error::other("the disk is full")) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_crash_between_taking_and_noting_repeats_and_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let mut receiver = Receiver::that_answers(&[]).await;
    let faults = Arc::new(NoPlaces::default());
    let store = open(folder.path(), 1, Some(faults.clone()));
    let site = Site::of(store, export(JSON, receiver.place())).await;
    faults.0.store(true, Ordering::Relaxed);
    site.append(2).await;
    let mut got = Vec::new();
    while got.last() != Some(&2) {
        got.extend(site.next(&mut receiver.posts).await.indexes());
    }
    site.stop().await;
    while receiver.posts.try_recv().is_ok() {}
    let site = Site::at(&folder, 2, export(JSON, receiver.place())).await;
    let mut again = Vec::new();
    while again.last() != Some(&2) {
        again.extend(site.next(&mut receiver.posts).await.indexes());
    }
    assert_eq!(again.last(), Some(&2));
    assert!(again.first().is_some_and(|first| *first <= 1), "{again:?}");
    site.stop().await;
}

#[tokio::test]
async fn otlp_arrives_as_a_collector_reads_it_and_what_it_throws_away_is_not_pressed_on_it() {
    let folder = TempDir::new().unwrap();
    // A partial success: two records rejected, `too old`.
    let partial = vec![0x0a, 0x0b, 0x08, 0x02, 0x12, 0x07, b't', b'o', b'o', b' ', b'o', b'l', b'd'];
    let mut receiver = Receiver::that_says(vec![(200, partial)]).await;
    let site = with_receiver(&folder, &receiver, Form::Otlp, 2).await;
    let post = site.next(&mut receiver.posts).await;
    assert_eq!(post.headers["content-type"], "application/x-protobuf");
    let request = ExportLogsServiceRequest::decode(post.body).unwrap();
    let records = &request.resource_logs[0].scope_logs[0].log_records;
    let names: Vec<&str> = records.iter().map(|record| record.event_name.as_str()).collect();
    assert_eq!(
        names,
        ["countersign.log.heartbeat", "countersign.log.heartbeat", "countersign.audit.exported"]
    );
    site.append(1).await;
    let next = ExportLogsServiceRequest::decode(site.next(&mut receiver.posts).await.body).unwrap();
    assert_eq!(next.resource_logs[0].scope_logs[0].log_records.len(), 1, "the next one, not the same again");
    site.stop().await;
}

/// Reads a frame by its length.
async fn frame(stream: &mut TcpStream) -> String {
    let mut length = 0;
    loop {
        match stream.read_u8().await.unwrap() {
            b' ' => break,
            digit => length = length * 10 + usize::from(digit - b'0'),
        }
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await.unwrap();
    String::from_utf8(message).unwrap()
}

fn index(message: &str) -> u64 {
    let (_, rest) = message.split_once(" cn1=").unwrap();
    rest.split(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_syslog_receiver_that_hangs_up_gets_the_last_batch_again_and_the_rest() {
    let folder = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = Place::Syslog(listener.local_addr().unwrap().to_string());
    let store = open(folder.path(), 1, None);
    append(&store, 2).await;
    let site = Site::of(store, export(Form::Lines(LineFormat::Cef), place)).await;
    let (unread, _) = listener.accept().await.unwrap();
    site.until(2).await;
    drop(unread);
    site.append(1).await;
    let (mut stream, _) = listener.accept().await.unwrap();
    for wanted in 0..4 {
        let message = frame(&mut stream).await;
        assert!(message.starts_with("<110>1 2026-11-22T05:00:00.000000Z node-"), "{message}");
        assert_eq!(index(&message), wanted);
    }
    site.stop().await;
}

/// Else a receiver that reads one batch and hangs up would get the first one for ever.
#[tokio::test]
async fn a_batch_is_sent_again_once_and_then_the_next() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path(), 1, None);
    let clock: Arc<dyn Clock> = Arc::new(FakeClock::default());
    let place = Place::Syslog("127.0.0.1:1".to_owned());
    let mut delivery = Delivery::begin(export(JSON, place), store, clock).await.unwrap();
    for (first, after) in [(0, 256), (256, 512)] {
        delivery.taken(after, 600);
        delivery.go_back();
        assert_eq!(delivery.next, first);
        delivery.taken(after, 600);
        delivery.go_back();
        assert_eq!(delivery.next, after);
    }
}

#[tokio::test]
async fn a_file_gets_every_entry_and_goes_on_after_a_restart_and_a_rotation() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("audit.ndjson");
    let here = || export(JSON, Place::File(path.clone()));
    let site = Site::at(&folder, 1, here()).await;
    site.append(3).await;
    site.until(3).await;
    site.stop().await;
    let site = Site::at(&folder, 2, here()).await;
    site.append(1).await;
    site.until(4).await;
    assert_eq!(indexes(&std::fs::read_to_string(&path).unwrap()), [0, 1, 2, 3, 4]);
    std::fs::rename(&path, folder.path().join("old")).unwrap();
    site.append(1).await;
    site.until(5).await;
    assert_eq!(indexes(&std::fs::read_to_string(&path).unwrap()), [5]);
    site.stop().await;
}

#[tokio::test]
async fn a_target_that_is_away_holds_up_nothing_else() {
    let folder = TempDir::new().unwrap();
    let away = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let site = Site::at(&folder, 1, export(JSON, Place::Syslog(away))).await;
    site.append(20).await;
    assert_eq!(site.store.exports().unwrap()[0].next, 0);
    site.stop().await;
}

#[tokio::test]
async fn what_a_gateway_records_arrives_without_what_was_not_named() {
    let world = World::new().await;
    let size = world.store.sign_all().await.unwrap().size;
    let mut receiver = Receiver::that_answers(&[]).await;
    for (name, shown) in [("leaves", [].as_slice()), ("names", &["name"])] {
        let disclosure = Disclosure::of(shown.iter().map(|name| (*name).to_owned()));
        let mut export = export(Form::Lines(LineFormat::Ocsf), receiver.place());
        (export.name, export.disclosure) = (name.to_owned(), disclosure);
        let site = Site::of(world.store.clone(), export).await;
        let body = site.next(&mut receiver.posts).await.body;
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.lines().count() >= usize::try_from(size).unwrap());
        assert_eq!(text.contains("olaf"), !shown.is_empty());
        assert!(!text.contains("\"dba\""), "groups are not named");
        site.stop().await;
    }
}

#[test]
fn a_batch_has_a_bound_in_bytes_but_is_never_empty() {
    let entry = |index, bytes| StoredEntry { index, leaf: vec![b'x'; bytes], content: [].into() };
    let sizes = |entries: Vec<StoredEntry>| within(entries).len();
    assert_eq!(sizes(vec![entry(0, BATCH_MAX_BYTES + 1), entry(1, 1)]), 1);
    assert_eq!(sizes(vec![entry(0, BATCH_MAX_BYTES), entry(1, 1)]), 1);
    assert_eq!(sizes(vec![entry(0, 1), entry(1, 1)]), 2);
    assert_eq!(sizes(Vec::new()), 0);
}

/// The attack: a key in a URL's query is read out of the ledger or the log.
#[test]
fn a_credential_in_a_query_is_not_recorded() {
    let place = Place::Url { url: "https://x.example/in?key=s3cret".to_owned(), token: None };
    assert_eq!(export(JSON, place).terms().target, "url https://x.example/in");
}

#[tokio::test]
async fn a_credential_in_a_query_is_not_logged() {
    let folder = TempDir::new().unwrap();
    let url = "http://127.0.0.1:1/in?key=s3cret".to_owned();
    let store = open(folder.path(), 1, None);
    let clock: Arc<dyn Clock> = Arc::new(FakeClock::default());
    let place = Place::Url { url, token: None };
    let mut delivery = Delivery::begin(export(JSON, place), store, clock).await.unwrap();
    let error = delivery.offer(1).await.unwrap_err();
    let told = delivery.told(&error);
    assert!(told.contains("http://127.0.0.1:1/in") && !told.contains("s3cret"), "{told}");
}
