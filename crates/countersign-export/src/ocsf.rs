//! How does an entry read in OCSF? As an event of version 1.5.0: API Activity with the gateway's disposition, Entity
//! Management for who and what is set up, Authentication for sign-ins.
//!
//! OCSF 1.5.0 has no class for approvals. What it has no attribute for stands in `unmapped`.

mod class;

use serde_json::{Map, Value, json};

use countersign_ledger::{Actor, ActorKind, Kind};

use self::class::{Activity, Class};
use crate::meaning::{self, Disposition, Severity};
use crate::{Entry, PRODUCT, VERSION};

/// The version of the schema that events follow.
pub(crate) const SCHEMA_VERSION: &str = "1.5.0";

pub(crate) fn event(entry: &Entry) -> Value {
    let Activity { class, id, name } = Activity::of(entry);
    let (severity_id, severity) = match meaning::severity(entry) {
        Severity::Informational => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
    };
    let mut event = Map::new();
    let mut put = |more: Value| {
        if let Value::Object(more) = more {
            event.extend(more);
        }
    };
    put(json!({
        "category_uid": class.category().0,
        "category_name": class.category().1,
        "class_uid": class.uid(),
        "class_name": class.caption(),
        "activity_id": id,
        "activity_name": name,
        "type_uid": class.uid() * 100 + id,
        "type_name": format!("{}: {}", class.caption(), if id == class::OTHER { "Other" } else { &name }),
        "time": entry.millis(),
        "severity_id": severity_id,
        "severity": severity,
        "message": meaning::title(entry.leaf.kind),
        "metadata": metadata(entry),
        "unmapped": unmapped(entry),
    }));
    match class {
        Class::Api => put(api(entry)),
        Class::Entity => put(entity(entry)),
        Class::Authentication => put(authentication(entry)),
        Class::Base => {}
    }
    if let Some(disposition) = meaning::disposition(entry) {
        put(security_control(entry, disposition));
    }
    Value::Object(event)
}

fn metadata(entry: &Entry) -> Value {
    let leaf = &entry.leaf;
    let mut metadata = json!({
        "version": SCHEMA_VERSION,
        "product": { "name": PRODUCT, "vendor_name": PRODUCT, "version": VERSION },
        "uid": leaf.id,
        "event_code": leaf.kind.word(),
        "correlation_uid": leaf.case,
        "log_name": entry.log,
        "log_provider": leaf.node,
        "original_time": leaf.time,
        "tenant_uid": leaf.tenant,
    });
    if let (Some(map), Some(_)) = (metadata.as_object_mut(), meaning::disposition(entry)) {
        map.insert("profiles".to_owned(), json!(["security_control"]));
    }
    metadata
}

/// Where the entry stands, what it commits to, and what OCSF has no attribute for.
fn unmapped(entry: &Entry) -> Value {
    let leaf = &entry.leaf;
    let mut more = Map::new();
    let mut put = |name: &str, value: Value| more.insert(name.to_owned(), value);
    put("log_origin", json!(entry.log));
    put("log_index", json!(entry.index));
    put("leaf_hash", json!(entry.hash));
    if let Some(action) = &leaf.action {
        put("verbs", json!(action.class));
        put("action_commitment", json!(countersign_ledger::hex(&action.commit)));
    }
    if let Some(approval) = &leaf.approval {
        put("approval", json!(approval));
    }
    if !entry.content.is_empty() {
        put("content", json!(entry.content));
    }
    Value::Object(more)
}

fn user(actor: &Actor) -> Value {
    let (type_id, caption) = match actor.kind {
        ActorKind::Human => (1, "User"),
        ActorKind::System => (3, "System"),
        ActorKind::Agent => (99, "Agent"),
    };
    json!({ "uid": actor.id, "type_id": type_id, "type": caption })
}

fn api(entry: &Entry) -> Value {
    let leaf = &entry.leaf;
    let operation = leaf.action.as_ref().map_or_else(|| leaf.kind.word(), |action| action.tool.as_str());
    let mut api = json!({
        "actor": { "user": user(&leaf.actor) },
        "api": { "operation": operation, "request": { "uid": leaf.case } },
        // Required; the ledger holds no addresses, so it is who, not where.
        "src_endpoint": { "uid": leaf.actor.id },
    });
    if let (Some(map), Some(result)) = (api.as_object_mut(), &leaf.result) {
        let (status_id, status) = match leaf.kind {
            Kind::ActionExecuted => (1, "Success"),
            Kind::ActionFailed => (2, "Failure"),
            _ => (0, "Unknown"),
        };
        map.insert("status_id".to_owned(), json!(status_id));
        map.insert("status".to_owned(), json!(status));
        map.insert("status_code".to_owned(), json!(result.status));
        map.insert("duration".to_owned(), json!(result.dur_us / 1000));
    }
    api
}

fn entity(entry: &Entry) -> Value {
    let leaf = &entry.leaf;
    let (type_id, caption) = class::entity_type(leaf.kind);
    json!({
        "actor": { "user": user(&leaf.actor) },
        "entity": { "uid": leaf.case, "type_id": type_id, "type": caption },
        "status_id": 1,
        "status": "Success",
    })
}

fn authentication(entry: &Entry) -> Value {
    let leaf = &entry.leaf;
    json!({
        "actor": { "user": user(&leaf.actor) },
        "user": { "uid": leaf.case, "type_id": 1, "type": "User" },
        "service": { "name": PRODUCT, "uid": entry.log },
        "status_id": 1,
        "status": "Success",
    })
}

/// The profile of that name: what the gateway did, and on whose word.
fn security_control(entry: &Entry, disposition: Disposition) -> Value {
    let (action_id, action) = match disposition {
        Disposition::Allowed | Disposition::Approved => (1, "Allowed"),
        Disposition::Blocked => (2, "Denied"),
        Disposition::Delayed => (99, "Held"),
    };
    let disposition_id = match disposition {
        Disposition::Allowed => 1,
        Disposition::Blocked => 2,
        Disposition::Approved => 8,
        Disposition::Delayed => 14,
    };
    let mut control = json!({
        "action_id": action_id,
        "action": action,
        "disposition_id": disposition_id,
        "disposition": disposition.word(),
    });
    let authorizations = authorizations(entry);
    if let Some(map) = control.as_object_mut().filter(|_| !authorizations.is_empty()) {
        map.insert("authorizations".to_owned(), json!(authorizations));
    }
    control
}

/// The policies that decided, or the person's answer.
fn authorizations(entry: &Entry) -> Vec<Value> {
    if let Some(policy) = &entry.leaf.policy {
        let decision = &policy.decision;
        let named = policy.rules.iter().map(|rule| {
            let policy = json!({ "uid": rule, "version": policy.bundle, "is_applied": true });
            json!({ "decision": decision, "policy": policy })
        });
        let named: Vec<Value> = named.collect();
        return if named.is_empty() { vec![json!({ "decision": decision })] } else { named };
    }
    let answer = entry.leaf.approval.as_ref().and_then(|approval| approval.decision.as_ref());
    answer.map(|answer| json!({ "decision": answer })).into_iter().collect()
}

#[cfg(test)]
mod tests;
