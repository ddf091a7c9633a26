//! Does nothing leave by hand that was not recorded, or not asked for?

use std::io::Error;
use std::sync::Arc;

use countersign_store::Faults;
use countersign_testkit::{World, WorldOptions};
use serde_json::Value;

use super::*;

fn taken(names: &[&str]) -> Taken {
    Taken {
        format: LineFormat::Json,
        from: None,
        to: None,
        disclosure: Disclosure::of(names.iter().map(|name| (*name).to_owned())),
        target: "file taken.ndjson".to_owned(),
    }
}

async fn exported(world: &World, taken: &Taken) -> Result<String, ExportError> {
    let path = world.folder().join("taken");
    write(&world.store, taken, || std::fs::File::create(&path)).await?;
    Ok(std::fs::read_to_string(path).unwrap())
}

#[tokio::test]
async fn an_export_is_recorded_with_what_it_took() {
    let world = World::new().await;
    let lines = exported(&world, &taken(&["name"])).await.unwrap();
    let again = exported(&world, &taken(&["by", "count", "shown"])).await.unwrap();
    let last: Value = serde_json::from_str(again.lines().last().unwrap()).unwrap();
    assert_eq!(last["leaf"]["type"], "audit.exported");
    assert_eq!(last["content"]["count"], lines.lines().count().to_string());
    assert_eq!(last["content"]["by"], "administrator");
    assert_eq!(last["content"]["shown"], "name");
    assert_eq!(again.lines().count(), lines.lines().count() + 1);
}

#[tokio::test]
async fn only_content_that_was_asked_for_leaves() {
    let world = World::new().await;
    let leaves = exported(&world, &taken(&[])).await.unwrap();
    for name in ["ada", "olaf", "batch", "dba"] {
        // `ada` could also be in a hash.
        assert!(!leaves.contains(&format!("\"{name}\"")), "{name}");
    }
    let names = exported(&world, &taken(&["name"])).await.unwrap();
    assert!(names.contains("olaf") && names.contains("batch"));
    assert!(!names.contains("dba"), "groups were not asked for");
}

#[tokio::test]
async fn only_entries_of_the_times_that_were_asked_for_leave() {
    let world = World::new().await;
    let all = exported(&world, &taken(&[])).await.unwrap().lines().count();
    let start = "2026-11-22T05:00:00Z".parse().unwrap();
    let before = Taken { to: Some(start), ..taken(&[]) };
    assert_eq!(exported(&world, &before).await.unwrap(), "");
    let after = Taken { from: Some(start), ..taken(&[]) };
    // The two exports before are told as well.
    assert!(exported(&world, &after).await.unwrap().lines().count() >= all);
}

struct NoEntries;

impl Faults for NoEntries {
    fn before(&self, point: &'static str) -> Result<(), Error> {
        if point == "entries" { Err(Error::other("the disk is full")) } else { Ok(()) }
    }
}

/// The attack: whoever can make the record fail would take the audit away unseen.
#[tokio::test]
async fn what_cannot_be_recorded_is_not_even_opened() {
    let faults: Option<Arc<dyn Faults>> = Some(Arc::new(NoEntries));
    let world = World::with(WorldOptions { faults, ..WorldOptions::default() }).await;
    exported(&world, &taken(&[])).await.unwrap_err();
    assert!(!world.folder().join("taken").exists());
}
