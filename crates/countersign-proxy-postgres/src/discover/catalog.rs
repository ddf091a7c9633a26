//! What does the server say about itself? One statement, one JSON text, read into [`Database`].

use serde::Deserialize;

use super::{
    Column, Database, DiscoverError, Family, Function, OLDEST, Role, Sampling, Schema, Session, Table,
    TableKind, Trigger,
};

/// Reads system catalogs only. Made for PostgreSQL 12 to 18.
const QUESTION: &str = include_str!("catalog.sql");
const VERSION: &str = "SELECT current_setting('server_version_num')";
/// A catalog of more than this is not read. Bytes.
const ANSWER_MAX: usize = 128 << 20;
/// Milliseconds.
const TIMEOUT: u32 = 60_000;

type List<T> = Option<Vec<T>>;

/// The whole answer; a list without members comes as `null`.
#[derive(Deserialize)]
struct Document {
    name: String,
    version: u32,
    /// Name, superuser, makes roles, bypasses row security, reaches the server.
    role: (String, bool, bool, bool, Option<bool>),
    schemas: List<(String, bool)>,
    tables: List<TableRow>,
    functions: List<FunctionRow>,
    /// Schema and name of the table, name, schema and name of the function, security definer.
    triggers: List<(String, String, String, String, String, bool)>,
    /// Name, schema and name of the function, security definer.
    event_triggers: List<(String, String, String, bool)>,
    /// Schema and name of the table, name.
    rules: List<(String, String, String)>,
    extensions: List<String>,
    untrusted_languages: List<String>,
    foreign_servers: List<String>,
}

/// Schema, name, arguments, language, untrusted, security definer, fixed path, of a superuser, for everybody.
type FunctionRow = (String, String, String, String, bool, bool, bool, bool, bool);
/// Schema, name, kind, owner, rows, row security, columns.
type TableRow = (String, String, char, String, Option<i64>, bool, List<ColumnRow>);
/// Name, type, category, name of the base type, readable.
type ColumnRow = (String, String, char, String, bool);

pub(super) async fn read(session: &mut Session, encrypted: bool) -> Result<Database, DiscoverError> {
    let version = session.ask(VERSION, TIMEOUT, ANSWER_MAX).await?;
    let version = version.only_text().and_then(|text| text.parse().ok());
    let version: u32 = version.ok_or_else(|| understand("it states no version"))?;
    if version < OLDEST {
        return Err(DiscoverError::TooOld(version));
    }
    let answer = session.ask(QUESTION, TIMEOUT, ANSWER_MAX).await?;
    let text = answer.only_text().ok_or_else(|| understand("it is not one text"))?;
    let document: Document =
        serde_json::from_str(text).map_err(|error| DiscoverError::Understand(error.into()))?;
    Ok(database(document, encrypted))
}

fn understand(what: &str) -> DiscoverError {
    DiscoverError::Understand(what.into())
}

fn database(document: Document, encrypted: bool) -> Database {
    let triggers = triggers(&document);
    let (name, superuser, makes_roles, bypasses_row_security, reaches) = document.role;
    let reaches_the_server = superuser || reaches.unwrap_or_default();
    let schemas = document.schemas.unwrap_or_default().into_iter();
    Database {
        name: document.name,
        version: document.version,
        encrypted,
        role: Role { name, superuser, makes_roles, bypasses_row_security, reaches_the_server },
        schemas: schemas.map(|(name, everybody_creates)| Schema { name, everybody_creates }).collect(),
        tables: document.tables.unwrap_or_default().into_iter().map(table).collect(),
        functions: functions(document.functions),
        triggers,
        extensions: document.extensions.unwrap_or_default(),
        untrusted_languages: document.untrusted_languages.unwrap_or_default(),
        foreign_servers: document.foreign_servers.unwrap_or_default(),
    }
}

fn table((schema, name, kind, owner, rows, row_security, columns): TableRow) -> Table {
    let kind = match kind {
        'p' => TableKind::Partitioned,
        'v' => TableKind::View,
        'm' => TableKind::MaterializedView,
        'f' => TableKind::Foreign,
        _ => TableKind::Table,
    };
    let rows = rows.and_then(|rows| u64::try_from(rows).ok());
    let columns = columns.unwrap_or_default().into_iter().map(column).collect();
    Table { schema, name, kind, owner, rows, row_security, columns, sampling: Sampling::Skipped }
}

fn column((name, type_name, category, base, readable): ColumnRow) -> Column {
    let family = match (category, base.as_str()) {
        (_, "json" | "jsonb" | "xml") => Family::Document,
        ('S', _) => Family::Text,
        ('N', _) => Family::Number,
        ('D', _) => Family::Time,
        ('B', _) => Family::Boolean,
        ('I', _) => Family::Network,
        _ => Family::Other,
    };
    Column { name, type_name, family, values: 0, looks: Vec::new(), readable }
}

fn functions(rows: List<FunctionRow>) -> Vec<Function> {
    let rows = rows.unwrap_or_default().into_iter();
    rows.map(
        |(
            schema,
            name,
            arguments,
            language,
            untrusted,
            security_definer,
            fixes_search_path,
            of_superuser,
            all,
        )| {
            Function {
                schema,
                name,
                arguments,
                language,
                untrusted,
                security_definer,
                fixes_search_path,
                of_superuser,
                everybody_executes: all,
            }
        },
    )
    .collect()
}

fn triggers(document: &Document) -> Vec<Trigger> {
    let on_tables = document.triggers.iter().flatten().cloned().map(
        |(schema, table, name, function_schema, function, security_definer)| Trigger {
            table: Some((schema, table)),
            name,
            function: Some((function_schema, function)),
            security_definer,
        },
    );
    let on_events = document.event_triggers.iter().flatten().cloned().map(
        |(name, schema, function, security_definer)| Trigger {
            table: None,
            name,
            function: Some((schema, function)),
            security_definer,
        },
    );
    let rules = document.rules.iter().flatten().cloned().map(|(schema, table, name)| Trigger {
        table: Some((schema, table)),
        name,
        function: None,
        security_definer: false,
    });
    on_tables.chain(on_events).chain(rules).collect()
}
