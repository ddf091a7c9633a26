//! The document says everything that the router does, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::routes::{Access, table};

fn document() -> Value {
    serde_json::from_str(&super::document()).unwrap()
}

#[test]
fn every_api_route_is_described_and_no_other() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods: Vec<String> =
                item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
            methods.into_iter().map(|method| (path.clone(), method))
        })
        .collect();
    let routed: BTreeSet<(String, String)> = table()
        .iter()
        .filter(|route| route.path.starts_with("/api/"))
        .map(|route| (route.path.to_owned(), route.method.to_string()))
        .collect();
    assert_eq!(described, routed);
}

#[test]
fn every_operation_documents_its_errors_as_problems() {
    let document = document();
    for route in table().iter().filter(|route| route.path.starts_with("/api/")) {
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        let responses = operation["responses"].as_object().unwrap();
        for status in ["400", "401", "503"] {
            let content = &responses[status]["content"]["application/problem+json"];
            assert_eq!(content["schema"]["$ref"], "#/components/schemas/Problem", "{} {status}", route.path);
        }
        assert_eq!(
            responses.contains_key("404"),
            route.path.contains("{id}") || operation["operationId"] == "begin_session"
        );
        assert_eq!(responses.contains_key("415"), operation.get("requestBody").is_some(), "{}", route.path);
        if route.access == Access::Open {
            assert_eq!(operation["security"], serde_json::json!([{}]), "{}", route.path);
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn parameters_name_every_state_and_are_never_null() {
    let document = document();
    let parameters = document["paths"]["/api/v1/actions"]["get"]["parameters"].as_array().unwrap();
    for parameter in parameters {
        assert!(parameter["schema"]["type"].is_string(), "{parameter}");
        assert_eq!(parameter["required"], false, "{parameter}");
    }
    let state = parameters.iter().find(|parameter| parameter["name"] == "state").unwrap();
    let words: Vec<&str> = countersign_core::State::ALL.iter().map(|state| state.word()).collect();
    assert_eq!(state["schema"]["items"]["enum"], serde_json::json!(words));
}

#[test]
fn a_preview_and_the_rows_of_an_outcome_are_described_part_by_part() {
    let document = document();
    let schema = |name: &str| document["components"]["schemas"][name].clone();
    let names = |name: &str| -> BTreeSet<String> {
        schema(name)["properties"]
            .as_object()
            .unwrap_or_else(|| panic!("no {name}"))
            .keys()
            .cloned()
            .collect()
    };
    let set = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    assert!(names("ActionBody").contains("preview"));
    assert_eq!(names("PreviewBody"), set(&["rows", "cascades", "sample", "notes"]));
    assert_eq!(names("RowsBody"), set(&["known", "rows"]));
    assert_eq!(names("CascadeBody"), set(&["object", "what", "rows"]));
    assert_eq!(names("SampleBody"), set(&["columns", "rows"]));
    assert_eq!(names("SampleRowBody"), set(&["before", "after"]));
    assert!(names("OutcomeBody").contains("rows"));
    let null_allowed = schema("SampleRowBody")["properties"]["before"]["items"]["type"].clone();
    assert_eq!(null_allowed, serde_json::json!(["string", "null"]));
}

#[test]
fn the_types_of_entries_that_can_be_asked_for_are_all_described() {
    let document = document();
    let parameters = &document["paths"]["/api/v1/audit.jsonl"]["get"]["parameters"];
    let kind = parameters.as_array().unwrap().iter().find(|parameter| parameter["name"] == "kind").unwrap();
    let pattern = kind["schema"]["pattern"].as_str().unwrap();
    for word in countersign_ledger::Kind::ALL.iter().map(|kind| kind.word()) {
        let (family, tail) = word.split_once('.').unwrap();
        let of_family =
            pattern.split(['^', '$']).nth(1).unwrap().split(&format!("{family}(\\.")).nth(1).unwrap();
        let tails = of_family.split(")?").next().unwrap();
        assert!(tails.split(['(', ')', '|']).any(|one| one == tail), "{word} in {pattern}");
    }
}
