//! What passes at full speed is only what nobody has a say in, and never without its record.

use std::sync::Arc;

use countersign_core::{Outcome, Query, ReasonCode, Status, Verb};
use countersign_policy::Source;
use countersign_testkit::{FailFrom, POLICY, World, WorldOptions};

async fn with_policy(policy: String) -> World {
    World::with(WorldOptions { policy, ..WorldOptions::default() }).await
}

fn outcome() -> Outcome {
    Outcome { status: Status::Executed, result: None, rows: Some(3), duration_us: 5, note: None }
}

#[tokio::test]
async fn only_a_plain_yes_stands() {
    let world = World::new().await;
    assert!(world.gate.standing(&world.draft(Verb::Read, "orders")).is_some());
    for (verb, why) in
        [(Verb::Delete, "people are asked"), (Verb::Export, "no"), (Verb::Write, "not permitted")]
    {
        assert!(world.gate.standing(&world.draft(verb, "orders")).is_none(), "{why}");
    }
    for condition in [
        "@id(\"mask\") @obligation(\"mask\") @columns(\"email\") permit (principal, action, resource);",
        "@id(\"few\") @obligation(\"max_rows\") @rows(\"5\") permit (principal, action, resource);",
        "@id(\"kept\") @obligation(\"record\") permit (principal, action, resource);",
        "@id(\"day\") forbid (principal, action, resource) when { context.hour_utc < 6 };",
    ] {
        let world = with_policy(format!("{POLICY}{condition}")).await;
        assert!(world.gate.standing(&world.draft(Verb::Read, "orders")).is_none(), "{condition}");
    }
}

#[tokio::test]
async fn a_standing_answer_ends_with_the_policy_that_gave_it() {
    let world = World::new().await;
    let standing = world.gate.standing(&world.draft(Verb::Read, "orders")).unwrap();
    world.gate.pass_standing(&standing, "{}").unwrap();
    let text = format!("{POLICY}@id(\"no\") forbid (principal, action, resource);");
    world.policy.replace(&[Source { path: "test.cedar".to_owned(), text }]).unwrap();
    assert!(!world.gate.still_stands(&standing));
    let refused = world.gate.pass_standing(&standing, "{}").unwrap_err();
    assert_eq!(refused.code, ReasonCode::ChangedSinceApproval);
}

#[tokio::test]
async fn what_passes_is_recorded_with_what_became_of_it() {
    let world = World::new().await;
    let standing = world.gate.standing(&world.draft(Verb::Read, "orders")).unwrap();
    let permit = world.gate.pass_standing(&standing, "{\"statements\":[]}").unwrap();
    world.gate.settle_standing(permit.action(), outcome());
    let page = world.gate.passed_records(Query { limit: 10, ..Query::default() }).await.unwrap();
    let [record] = page.items.try_into().unwrap();
    assert_eq!((record.id, record.outcome), (permit.action(), Some(outcome())));
    assert_eq!((record.principal.name.as_str(), record.payload.as_str()), ("batch", "{\"statements\":[]}"));
    assert_eq!(record.policy, world.policy.current().hash());
}

#[tokio::test]
async fn nothing_passes_that_cannot_be_recorded_or_is_too_large() {
    let faults = Arc::new(FailFrom::never());
    let options = WorldOptions { faults: Some(faults.clone()), ..WorldOptions::default() };
    let world = World::with(options).await;
    let standing = world.gate.standing(&world.draft(Verb::Read, "orders")).unwrap();
    faults.arm(0);
    let refused = world.gate.pass_standing(&standing, "{}").unwrap_err();
    assert_eq!(refused.code, ReasonCode::StoreUnavailable);
    faults.mend();
    world.gate.pass_standing(&standing, "{}").unwrap();
    let large = "x".repeat(9 << 20);
    assert_eq!(world.gate.pass_standing(&standing, &large).unwrap_err().code, ReasonCode::TooLarge);
}
