//! Is only a good bundle put in force?

use crate::tests::{bundle, source};
use crate::{Live, Source};

const READ: &str = "@id(\"r\") permit (principal, action == Action::\"read\", resource);";
const WRITE: &str = "@id(\"w\") permit (principal, action == Action::\"write\", resource);";

#[test]
fn a_bad_text_keeps_the_old_bundle() {
    let live = Live::new(bundle(READ));
    let before = live.current();
    assert_eq!(live.replace(&[source("permit")]).unwrap_err().len(), 1);
    assert_eq!(live.current().hash(), before.hash());
}

#[test]
fn a_replacement_says_what_changed_and_who_holds_the_old_keeps_it() {
    let live = Live::new(bundle(&format!("{READ}\n{WRITE}")));
    let before = live.current();
    let wider = READ.replace("action == Action::\"read\"", "action");
    let change = live
        .replace(&[source(&format!(
            "{wider}\n@id(\"n\") forbid (principal, action, resource in Env::\"x\");"
        ))])
        .unwrap();
    assert_eq!(
        (change.added, change.removed, change.changed),
        (vec!["n".into()], vec!["w".into()], vec!["r".into()])
    );
    assert_eq!((change.from, change.to), (before.hash(), live.current().hash()));
    assert_eq!(before.ids().collect::<Vec<_>>(), ["r", "w"]);
}

#[test]
fn the_same_text_changes_nothing() {
    let live = Live::new(bundle(READ));
    let change = live.replace(&[Source { path: "moved.cedar".to_owned(), ..source(READ) }]).unwrap();
    assert!(change.is_none() && change.changed.is_empty());
}
