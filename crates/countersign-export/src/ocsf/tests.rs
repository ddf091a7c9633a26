//! Are these events of OCSF 1.5.0? Checked against what the published schema says of everything that is used here:
//! `schema-1.5.0.json` is that part of <https://schema.ocsf.io/1.5.0/export/schema>.

use serde_json::Value;

use super::*;
use crate::fixtures::{self, ATTACKS};

fn schema() -> Value {
    serde_json::from_str(include_str!("tests/schema-1.5.0.json")).unwrap()
}

/// What is wrong with a value that should be of this shape.
fn wrong(schema: &Value, shape: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let attributes = shape["attributes"].as_object().unwrap();
    let fields = value.as_object().unwrap();
    for (name, attribute) in attributes {
        if attribute["required"] == true && !fields.contains_key(name) {
            found.push(format!("{place}.{name} is missing"));
        }
    }
    if let Some(some) = shape["at_least_one"].as_array()
        && !some.iter().any(|name| fields.contains_key(name.as_str().unwrap()))
    {
        found.push(format!("{place} has none of {some:?}"));
    }
    for (name, field) in fields {
        let place = format!("{place}.{name}");
        let Some(attribute) = attributes.get(name) else {
            found.push(format!("{place} is not in the schema"));
            continue;
        };
        let many = attribute["array"] == true;
        assert_eq!(many, field.is_array(), "{place}");
        for one in if many { field.as_array().unwrap().iter().collect() } else { vec![field] } {
            wrong_one(schema, attribute, one, &place, found);
        }
        let Some(captions) = attribute["enum"].as_object() else { continue };
        match captions.get(&field.to_string()) {
            None => found.push(format!("{place} can't be {field}")),
            Some(caption) => {
                let said = attribute["sibling"].as_str().and_then(|sibling| fields.get(sibling));
                // What is `Other` by its number is told by its name.
                if field != 99 && said.is_some_and(|said| said != caption) {
                    found.push(format!("{place} is {caption}, not {}", said.unwrap()));
                }
            }
        }
    }
}

fn wrong_one(schema: &Value, attribute: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let fits = match attribute["type"].as_str().unwrap() {
        "integer_t" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "long_t" | "timestamp_t" => value.is_i64() || value.is_u64(),
        "boolean_t" => value.is_boolean(),
        "object_t" => value.is_object(),
        _ => value.is_string(),
    };
    if !fits {
        found.push(format!("{place} is {value}"));
    } else if let Some(object) = attribute["object"].as_str().filter(|object| *object != "object") {
        wrong(schema, &schema["objects"][object], value, place, found);
    }
}

fn problems(event: &Value) -> Vec<String> {
    let schema = schema();
    let class = &schema["classes"][event["class_uid"].to_string()];
    assert!(class.is_object(), "no such class: {event}");
    let mut found = Vec::new();
    wrong(&schema, class, event, event["metadata"]["event_code"].as_str().unwrap(), &mut found);
    let type_uid = event["class_uid"].as_i64().unwrap() * 100 + event["activity_id"].as_i64().unwrap();
    assert_eq!(event["type_uid"], type_uid);
    let controlled = event.get("disposition_id").is_some();
    assert_eq!(event["metadata"].get("profiles").is_some(), controlled, "profiles say what is used");
    found
}

#[test]
fn every_kind_is_an_event_of_the_schema() {
    let mut found: Vec<String> = fixtures::all().iter().flat_map(|entry| problems(&event(entry))).collect();
    found.extend(ATTACKS.iter().flat_map(|attack| problems(&event(&fixtures::requested(attack)))));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_check_finds_what_is_wrong() {
    let good = event(&fixtures::entry(&fixtures::record(Kind::ActionRequested), &[]));
    let broken = |change: fn(&mut Value)| {
        let mut event = good.clone();
        change(&mut event);
        problems(&event).join("; ")
    };
    let missing = broken(|event| drop(event.as_object_mut().unwrap().remove("src_endpoint")));
    assert_eq!(missing, "action.requested.src_endpoint is missing");
    assert_eq!(
        broken(|event| event["disposition_id"] = 77.into()),
        "action.requested.disposition_id can't be 77"
    );
    assert_eq!(
        broken(|event| event["severity"] = "Bad".into()),
        "action.requested.severity_id is \"Informational\", not \"Bad\""
    );
    assert_eq!(broken(|event| event["time"] = "now".into()), "action.requested.time is \"now\"");
    assert_eq!(
        broken(|event| event["approved"] = true.into()),
        "action.requested.approved is not in the schema"
    );
}

/// The table of docs/OPERATIONS.md: class, activity, disposition, action, status and severity of each kind.
#[test]
fn every_kind_is_told_as_documented() {
    let rows = fixtures::all().into_iter().map(|entry| {
        let event = event(&entry);
        let word =
            |name: &str| event.get(name).map_or("-".to_owned(), |value| value.as_str().unwrap().to_owned());
        let all = ["class_name", "activity_name", "disposition", "action", "status", "severity"].map(word);
        format!("{:20} {}", event["metadata"]["event_code"].as_str().unwrap(), all.join(" | "))
    });
    insta::assert_snapshot!(rows.collect::<Vec<_>>().join("\n"));
}

fn requested(class: &[&str], decision: &str, rules: &[&str]) -> Value {
    let mut record = fixtures::record(Kind::ActionRequested);
    record.action.as_mut().unwrap().class = class.iter().map(|verb| (*verb).to_owned()).collect();
    let policy = record.policy.as_mut().unwrap();
    policy.decision = decision.to_owned();
    policy.rules = rules.iter().map(|rule| (*rule).to_owned()).collect();
    event(&fixtures::entry(&record, &[]))
}

#[test]
fn an_actions_activity_is_what_its_verbs_do() {
    let cases: [(&[&str], u64, &str); 6] = [
        (&["read"], 2, "Read"),
        (&["read", "write"], 3, "Update"),
        (&["read", "delete"], 4, "Delete"),
        (&["read", "export"], 99, "read, export"),
        (&["unknown"], 99, "unknown"),
        (&[], 99, "action.requested"),
    ];
    for (verbs, id, name) in cases {
        let event = requested(verbs, "allow", &[]);
        assert_eq!((event["activity_id"].as_u64(), event["activity_name"].as_str()), (Some(id), Some(name)));
        assert_eq!(problems(&event), Vec::<String>::new());
    }
}

#[test]
fn what_policy_and_people_decided_is_the_disposition() {
    for (decision, id, action) in [("allow", 1, 1), ("review", 14, 99), ("deny", 2, 2)] {
        let event = requested(&["read"], decision, &["everyday", "risky"]);
        assert_eq!((event["disposition_id"].as_u64(), event["action_id"].as_u64()), (Some(id), Some(action)));
        assert_eq!(event["authorizations"][1]["policy"]["uid"], "risky");
        assert_eq!(event["authorizations"][1]["decision"], decision);
    }
    assert_eq!(requested(&["read"], "deny", &[])["authorizations"], json!([{ "decision": "deny" }]));
    for (state, id) in [("approved", 8), ("denied", 2), ("pending", 14)] {
        let mut record = fixtures::record(Kind::ApprovalDecided);
        record.approval.as_mut().unwrap().state = state.to_owned();
        let event = event(&fixtures::entry(&record, &[]));
        assert_eq!(event["disposition_id"], id, "{state}");
        assert_eq!(event["actor"]["user"], json!({ "uid": "per_1", "type_id": 1, "type": "User" }));
    }
    let mut unasked = fixtures::record(Kind::ActionExecuted);
    unasked.approval = None;
    assert_eq!(event(&fixtures::entry(&unasked, &[]))["disposition"], "Allowed");
}

#[test]
fn where_the_entry_stands_is_unmapped_and_so_is_shown_content() {
    let entry = fixtures::entry(&fixtures::record(Kind::ApprovalDecided), &["reason"]);
    let unmapped = &event(&entry)["unmapped"];
    assert_eq!(unmapped["log_origin"], fixtures::LOG);
    assert_eq!(unmapped["log_index"], 7);
    assert_eq!(unmapped["leaf_hash"], entry.hash);
    assert_eq!(unmapped["approval"]["method"], "passkey");
    assert_eq!(unmapped["content"], json!({ "reason": "the order\nis wrong" }));
}
