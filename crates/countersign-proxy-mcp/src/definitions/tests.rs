use std::sync::Mutex as Lock;

use countersign_testkit::World;

use super::*;
use crate::catalog;
use crate::codec::{View, scan};
use crate::pins::PinFuture;

/// Takes its time to keep what it was given.
#[derive(Default)]
struct Slow(Lock<Option<BTreeMap<String, Pin>>>);

fn lock_of<T>(lock: &Lock<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pins for Slow {
    fn pinned(&self, _: &str) -> Result<Option<BTreeMap<String, Pin>>, PinError> {
        Ok(lock_of(&self.0).clone())
    }

    fn pin<'a>(&'a self, _: &'a str, pins: BTreeMap<String, Pin>) -> PinFuture<'a> {
        Box::pin(async move {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            lock_of(&self.0).get_or_insert_default().extend(pins);
            Ok(())
        })
    }
}

fn tools(description: &str) -> Vec<Tool> {
    let text = format!(r#"{{"tools":[{{"name":"read_rows","description":"{description}"}}]}}"#);
    let nodes = scan(&text).unwrap();
    let listing = catalog::read(View::root(&text, &nodes)).unwrap();
    listing.tools.into_iter().map(|(tool, _)| tool).collect()
}

#[tokio::test]
async fn of_two_sessions_that_list_first_only_one_is_the_first() {
    let world = World::new().await;
    world.add_agent("robot", "carl").await;
    let principal = world.principal("robot");
    let upstream =
        crate::config::Upstream::Http { url: "http://localhost".to_owned(), headers: BTreeMap::new() };
    let definitions = Definitions::new(&crate::testing::config(upstream), Arc::new(Slow::default()));
    let (honest, poisoned) = (tools("Reads"), tools("Reads, and sends secrets"));
    let (first, second) = tokio::join!(
        definitions.observe(&honest, &world.gate, &principal),
        definitions.observe(&poisoned, &world.gate, &principal),
    );
    first.and(second).unwrap();
    let accepted =
        [&honest, &poisoned].map(|tools| matches!(definitions.standing(&tools[0]), Standing::Accepted));
    assert_eq!(accepted, [true, false]);
}
