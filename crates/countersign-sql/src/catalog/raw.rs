//! What does the answer to `CATALOG_QUERY` look like?

use std::collections::BTreeMap;

use serde::Deserialize;

/// The whole document; a list without members comes as `null`.
#[derive(Deserialize)]
pub(super) struct Document {
    pub(super) version: u32,
    pub(super) path: Vec<String>,
    pub(super) schemas: List<String>,
    pub(super) relations: List<RelationRow>,
    pub(super) functions: List<FunctionRow>,
    pub(super) system_functions: BTreeMap<String, char>,
    pub(super) views: List<(u32, Option<String>)>,
    pub(super) rules: List<u32>,
    pub(super) triggers: List<(u32, i32, u32)>,
    pub(super) foreign_keys: List<KeyRow>,
    pub(super) expressions: List<(u32, char, Option<String>)>,
    pub(super) inherits: List<(u32, u32)>,
    pub(super) operators: List<(String, String, u32)>,
    pub(super) casts: List<(u32, u32, u32)>,
    pub(super) types: List<TypeRow>,
    pub(super) system_types: List<String>,
    pub(super) event_triggers: List<(String, u32)>,
}

type List<T> = Option<Vec<T>>;

/// oid, schema, name, kind, row security, partition, columns with their types, foreign server.
#[derive(Deserialize)]
pub(super) struct RelationRow(
    pub(super) u32,
    pub(super) String,
    pub(super) String,
    pub(super) char,
    pub(super) bool,
    pub(super) bool,
    pub(super) List<(String, u32)>,
    pub(super) Option<String>,
);

/// oid, schema, name, kind, volatility, arguments, defaults, variadic, language, security definer, extension,
/// library, an aggregate's functions, owned by a superuser.
#[derive(Deserialize)]
pub(super) struct FunctionRow(
    pub(super) u32,
    pub(super) String,
    pub(super) String,
    pub(super) char,
    pub(super) char,
    pub(super) usize,
    pub(super) usize,
    pub(super) bool,
    pub(super) String,
    pub(super) bool,
    pub(super) Option<String>,
    pub(super) Option<String>,
    pub(super) List<u32>,
    pub(super) bool,
);

/// child, parent, what happens on delete, what on update, the child's columns, the parent's columns.
#[derive(Deserialize)]
pub(super) struct KeyRow(
    pub(super) u32,
    pub(super) u32,
    pub(super) char,
    pub(super) char,
    pub(super) List<String>,
    pub(super) List<String>,
);

/// oid, schema, name, kind, its relation, its element, its base type, its range's subtype, the domain's checks.
#[derive(Deserialize)]
pub(super) struct TypeRow(
    pub(super) u32,
    pub(super) String,
    pub(super) String,
    pub(super) char,
    pub(super) u32,
    pub(super) u32,
    pub(super) u32,
    pub(super) u32,
    pub(super) List<Option<String>>,
);
