//! What do the tests hand out? One entry of each kind, encoded as the store does.

use std::collections::BTreeMap;

use countersign_ledger::{
    ActionPart, Actor, ActorKind, ApprovalPart, Content, Kind, Place, PolicyPart, Record, ResultPart,
};

use crate::{Disclosure, Entry};

pub(crate) const LOG: &str = "countersign.example.com/ledger";
pub(crate) const NAME: &str = "Ada Lovelace";

pub(crate) fn record(kind: Kind) -> Record {
    let (actor, id) = match kind {
        Kind::ActionRequested => (ActorKind::Agent, "agt_1"),
        Kind::ApprovalViewed | Kind::ApprovalDecided | Kind::PersonSignedIn | Kind::AuditRead => {
            (ActorKind::Human, "per_1")
        }
        _ => (ActorKind::System, "gateway"),
    };
    let case = match kind.word().split_once('.').unwrap().0 {
        "action" | "approval" | "audit" => "act_1",
        "person" | "session" | "credential" => "per_1",
        "agent" => "agt_1",
        "policy" => "policy",
        _ => "log",
    };
    let actor = Actor { kind: actor, id: id.to_owned() };
    let time = "2026-11-22T05:03:14.123456Z".to_owned();
    let mut record =
        Record::new(kind, "01900000-0000-7000-8000-000000000001".to_owned(), time, case.to_owned(), actor);
    if kind == Kind::ActionRequested {
        record.action = Some(ActionPart {
            tool: "tools/call delete_order".to_owned(),
            class: vec!["read".to_owned(), "delete".to_owned()],
            bytes: b"{\"id\":7}".to_vec(),
        });
        record.policy = Some(PolicyPart {
            bundle: "sha256:ab".to_owned(),
            rules: vec!["ask-delete".to_owned()],
            decision: "review".to_owned(),
        });
    }
    if let Some(state) = review_state(kind) {
        let said = kind == Kind::ApprovalDecided;
        record.approval = Some(ApprovalPart {
            request: "rev_1".to_owned(),
            state: state.to_owned(),
            version: 2,
            decision: said.then(|| "approve".to_owned()),
            method: said.then(|| "passkey".to_owned()),
            channel: said.then(|| "console".to_owned()),
            ..ApprovalPart::default()
        });
    }
    if matches!(kind, Kind::ActionExecuted | Kind::ActionFailed | Kind::ActionUnknown) {
        let status = kind.word().split_once('.').unwrap().1.to_owned();
        record.result = Some(ResultPart { status, dur_us: 12_345 });
    }
    record.content = vec![Content::new("name", NAME), Content::new("reason", "the order\nis wrong")];
    record
}

fn review_state(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::ApprovalRequested | Kind::ApprovalViewed => "pending",
        Kind::ApprovalDecided => "approved",
        Kind::ApprovalExpired => "expired",
        Kind::ApprovalCancelled => "cancelled",
        Kind::ApprovalLapsed => "lapsed",
        Kind::ActionReleased => "claimed",
        Kind::ActionExecuted => "executed",
        Kind::ActionFailed => "failed",
        Kind::ActionUnknown => "unknown",
        _ => return None,
    })
}

pub(crate) fn entry(record: &Record, shown: &[&str]) -> Entry {
    let place = Place { tenant: "default", node: "node-1", nseq: 8, prev: None };
    let leaf = record.encode(place, &mut |bytes| bytes.fill(7)).unwrap().leaf;
    let content: BTreeMap<String, String> =
        record.content.iter().map(|content| (content.name.clone(), content.value.clone())).collect();
    let disclosure = Disclosure::of(shown.iter().map(|name| (*name).to_owned()));
    Entry::open(LOG, 7, &leaf, content, &disclosure).unwrap()
}

/// Every kind, without content.
pub(crate) fn all() -> Vec<Entry> {
    Kind::ALL.iter().map(|kind| entry(&record(*kind), &[])).collect()
}

/// A request whose operation is what an attacker chose.
pub(crate) fn requested(tool: &str) -> Entry {
    let mut record = record(Kind::ActionRequested);
    if let Some(action) = &mut record.action {
        action.tool = tool.to_owned();
    }
    entry(&record, &[])
}

/// What a caller may put into a name to make a line, a field or a message of its own.
pub(crate) const ATTACKS: &[&str] = &[
    "x|10|act=Allowed",
    "é€𝄞 110 <110>1 2026-11-22T05:03:14.123456Z host countersign - action.executed - forged",
    "x suid=per_admin outcome=executed",
    "x\\=y \\| z\\",
    "a\nCEF:0|Countersign|Countersign|1|action.executed|ok|3|suid=per_admin",
    "a\r\n<110>1 2026-11-22T05:03:14.123456Z host countersign - action.executed - forged",
    "a\u{85}b\u{2028}c\u{2029}d\u{b}e\u{c}f\u{1c}g\u{0}h\u{7f}i",
    "\"}}\n{\"log\":\"x\",\"index\":1,\"leaf\":{\"type\":\"action.executed\"}}",
];
