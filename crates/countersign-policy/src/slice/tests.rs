//! Is the world of a question closed and typed?

use cedar_policy::Entity;
use countersign_core::{Timestamp, Verb};

use crate::slice::{SliceError, close, hour_and_weekday, resource, text};
use crate::tests::Asked;
use crate::world::{World, uid};

#[test]
fn an_ancestor_that_is_not_in_the_store_is_an_error_and_not_a_silent_no() {
    let world = World::new().unwrap();
    let types = &world.types;
    let object = |parent| {
        let attrs = [("name".to_owned(), text("customers"))];
        Entity::new_with_tags(uid(&types.object, "orders/customers"), attrs, [parent], []).unwrap()
    };
    let orphan = object(uid(&types.resource, "orders"));
    let error = close([orphan.clone()], &world.act).unwrap_err();
    assert!(matches!(&error, SliceError::Missing(_)), "{error}");

    let mut list = vec![orphan];
    resource(types, &Asked::about(&[(Verb::Read, "customers")]).resource, &mut list).unwrap();
    close(list.clone(), &world.act).unwrap();
    // Without any one of the ancestors it is not closed.
    for missing in 1..list.len() {
        let mut fewer = list.clone();
        fewer.remove(missing);
        let error = close(fewer, &world.act).unwrap_err();
        assert!(matches!(&error, SliceError::Missing(_)), "{error}");
    }
}

#[test]
fn an_entity_that_the_schema_does_not_know_is_an_error() {
    let world = World::new().unwrap();
    let stranger = Entity::with_uid(uid(&world.types.person, "x"));
    assert!(matches!(close([stranger], &world.act), Err(SliceError::Unfit(_))));
    let untyped = Entity::with_uid(uid(&world.types.object, "x"));
    assert!(matches!(close([untyped], &world.act), Err(SliceError::Unfit(_))));
}

#[test]
fn hours_and_weekdays_hold_before_and_after_1970() {
    let hours = |hours: i64| hour_and_weekday(Timestamp::from_micros(hours * 3_600_000_000));
    assert_eq!(hours(0), (0, 4));
    assert_eq!(hours(-1), (23, 3));
    assert_eq!(hours(24 * 3), (0, 7));
    assert_eq!(hours(24 * 4 + 5), (5, 1));
    // 2026-11-22T08:00Z is a Sunday.
    assert_eq!(hour_and_weekday(Timestamp::from_micros(1_795_334_400_000_000)), (8, 7));
}
