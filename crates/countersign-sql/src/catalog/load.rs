//! How does the JSON become a `Catalog`?

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

use super::raw::{Document, FunctionRow, RelationRow, TypeRow};
use super::{Catalog, CatalogError, FIRST_USER_OID, Function, Hidden, Key, Operator, Relation, Type};
use crate::functions::known_extension;

pub(super) fn empty() -> Catalog {
    Catalog {
        loaded: false,
        version: 0,
        digest: [0; 32],
        definition_path: Vec::new(),
        schemas: HashSet::new(),
        relations: Vec::new(),
        relation_names: HashMap::new(),
        relation_oids: HashMap::new(),
        functions: Vec::new(),
        function_oids: HashMap::new(),
        function_names: HashMap::new(),
        system_functions: HashMap::new(),
        operators: HashMap::new(),
        types: HashMap::new(),
        constants_act: OnceLock::new(),
        type_names: HashMap::new(),
        system_types: HashSet::new(),
        casts: HashMap::new(),
        casts_everywhere: Vec::new(),
        event_triggers: Vec::new(),
    }
}

pub(super) fn from_json(json: &str) -> Result<Catalog, CatalogError> {
    let mut document: Document = serde_json::from_str(json)?;
    let mut catalog = empty();
    catalog.loaded = true;
    catalog.version = document.version;
    catalog.digest = Sha256::digest(json.as_bytes()).into();
    catalog.definition_path = std::mem::take(&mut document.path);
    catalog.schemas = document.schemas.take().unwrap_or_default().into_iter().collect();
    catalog.system_functions = std::mem::take(&mut document.system_functions).into_iter().collect();
    catalog.system_types = document.system_types.take().unwrap_or_default().into_iter().collect();
    for row in document.relations.take().unwrap_or_default() {
        add_relation(&mut catalog, row);
    }
    for row in document.functions.take().unwrap_or_default() {
        add_function(&mut catalog, row);
    }
    trust_aggregates(&mut catalog);
    for row in document.types.take().unwrap_or_default() {
        add_type(&mut catalog, row);
    }
    link_relations(&mut catalog, &mut document);
    link_code(&mut catalog, &mut document);
    Ok(catalog)
}

fn add_relation(catalog: &mut Catalog, row: RelationRow) {
    let RelationRow(oid, schema, name, kind, row_security, partition, columns, server) = row;
    let index = catalog.relations.len();
    catalog.relation_names.entry(name.clone()).or_default().insert(schema.clone(), index);
    catalog.relation_oids.insert(oid, index);
    catalog.relations.push(Relation {
        oid,
        schema,
        name,
        kind,
        row_security,
        partition,
        columns: columns.unwrap_or_default(),
        server,
        definition: None,
        has_rules: false,
        triggers: Vec::new(),
        defaults: Vec::new(),
        conditions: Vec::new(),
        policies: Vec::new(),
        children: Vec::new(),
        referenced_by: Vec::new(),
        hidden: Hidden::default(),
    });
}

fn add_function(catalog: &mut Catalog, row: FunctionRow) {
    let FunctionRow(
        oid,
        schema,
        name,
        kind,
        volatility,
        arguments,
        defaults,
        variadic,
        language,
        definer,
        extension,
        library,
        steps,
        by_superuser,
    ) = row;
    let made_by_superuser = match language.as_str() {
        "c" | "internal" => true,
        "sql" => by_superuser,
        _ => false,
    };
    let known_safe = made_by_superuser
        && !definer
        && kind != 'p'
        && extension.as_deref().is_some_and(|name| known_extension(name, library.as_deref(), volatility));
    let steps = if extension.is_some() { steps.unwrap_or_default() } else { Vec::new() };
    let index = catalog.functions.len();
    catalog.function_oids.insert(oid, index);
    catalog.function_names.entry(name.clone()).or_default().push(index);
    catalog.functions.push(Function { schema, name, arguments, defaults, variadic, known_safe, steps });
}

/// An extension's aggregate only computes when each of its steps is PostgreSQL's own or known.
fn trust_aggregates(catalog: &mut Catalog) {
    let is_known =
        |oid: &u32| *oid < FIRST_USER_OID || catalog.function_by_oid(*oid).is_some_and(|f| f.known_safe);
    let trusted: Vec<bool> =
        catalog.functions.iter().map(|f| !f.steps.is_empty() && f.steps.iter().all(is_known)).collect();
    for (function, trusted) in catalog.functions.iter_mut().zip(trusted) {
        function.known_safe |= trusted;
    }
}

fn add_type(catalog: &mut Catalog, row: TypeRow) {
    let TypeRow(oid, schema, name, kind, relation, element, base, subtype, checks) = row;
    catalog.type_names.entry(name).or_default().push(oid);
    let parts = [element, base, subtype].into_iter().filter(|part| *part != 0).collect();
    let checks = checks.unwrap_or_default().into_iter().flatten().collect();
    catalog.types.insert(oid, Type { schema, kind, relation, parts, checks, hidden: OnceLock::new() });
}

/// Hangs views, rules, triggers, keys, expressions and children on their relations.
fn link_relations(catalog: &mut Catalog, document: &mut Document) {
    for (oid, definition) in document.views.take().unwrap_or_default() {
        with_relation(catalog, oid, |relation| relation.definition = definition);
    }
    for oid in document.rules.take().unwrap_or_default() {
        with_relation(catalog, oid, |relation| relation.has_rules = true);
    }
    for (oid, events, function) in document.triggers.take().unwrap_or_default() {
        with_relation(catalog, oid, |relation| relation.triggers.push((events, function)));
    }
    for (oid, kind, text) in document.expressions.take().unwrap_or_default() {
        let Some(text) = text else { continue };
        with_relation(catalog, oid, |relation| {
            let list = match kind {
                'p' => &mut relation.policies,
                'd' => &mut relation.defaults,
                _ => &mut relation.conditions,
            };
            list.push(text);
        });
    }
    for (parent, child) in document.inherits.take().unwrap_or_default() {
        with_relation(catalog, parent, |relation| relation.children.push(child));
    }
    for row in document.foreign_keys.take().unwrap_or_default() {
        let key = Key {
            child: row.0,
            on_delete: row.2,
            on_update: row.3,
            columns: row.4.unwrap_or_default(),
            references: row.5.unwrap_or_default(),
        };
        with_relation(catalog, row.1, |relation| relation.referenced_by.push(key));
    }
}

fn with_relation(catalog: &mut Catalog, oid: u32, change: impl FnOnce(&mut Relation)) {
    if let Some(relation) =
        catalog.relation_oids.get(&oid).and_then(|index| catalog.relations.get_mut(*index))
    {
        change(relation);
    }
}

/// Operators, casts and event triggers.
fn link_code(catalog: &mut Catalog, document: &mut Document) {
    for (schema, name, function) in document.operators.take().unwrap_or_default() {
        catalog.operators.entry(name).or_default().push(Operator { schema, function });
    }
    for (source, target, function) in document.casts.take().unwrap_or_default() {
        if source < FIRST_USER_OID && target < FIRST_USER_OID {
            catalog.casts_everywhere.push(function);
        }
        catalog.casts.entry(source).or_default().push(function);
        catalog.casts.entry(target).or_default().push(function);
    }
    let on_commands = |event: &str| event != "login";
    catalog.event_triggers = document
        .event_triggers
        .take()
        .unwrap_or_default()
        .into_iter()
        .filter(|(event, _)| on_commands(event))
        .map(|(_, function)| function)
        .collect();
}
