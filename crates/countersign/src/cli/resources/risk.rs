//! What in this database can do more than the statement says? Extensions and languages that reach outside, functions
//! with somebody else's rights, code that runs when others write, and a role that may do too much.

use countersign_console::visible_line;
use countersign_proxy_postgres::discover::{Database, Function, Sampling, Trigger};

/// Names of one kind that are listed before the rest is only counted.
const LISTED: usize = 8;

/// Extensions with which SQL reaches beyond its database.
const OUTSIDE: [(&str, &str); 20] = [
    ("adminpack", "writes files on the server"),
    ("aws_lambda", "calls functions in a cloud"),
    ("aws_s3", "reads and writes files in a cloud"),
    ("dblink", "opens connections to other databases"),
    ("file_fdw", "reads files and runs programs on the server"),
    ("http", "sends requests over the network"),
    ("lo", "keeps large objects, which have rights of their own"),
    ("mysql_fdw", "reads and writes other databases"),
    ("oracle_fdw", "reads and writes other databases"),
    ("pageinspect", "reads pages past every right on tables"),
    ("pg_background", "runs statements in other sessions"),
    ("pg_cron", "runs statements later, when nobody is asked"),
    ("pg_net", "sends requests over the network"),
    ("pgagent", "runs statements later, when nobody is asked"),
    ("plperlu", "runs programs as the server"),
    ("plpython3u", "runs programs as the server"),
    ("plsh", "runs programs as the server"),
    ("pltclu", "runs programs as the server"),
    ("postgres_fdw", "reads and writes other databases"),
    ("tds_fdw", "reads and writes other databases"),
];

/// Everything that whoever protects this database should know, one sentence each, on one line each.
pub(super) fn warnings(database: &Database) -> Vec<String> {
    let mut warnings = role(database);
    for extension in &database.extensions {
        if let Some((name, does)) = OUTSIDE.iter().find(|(name, _)| name == extension) {
            warnings.push(format!("the extension `{name}` {does}"));
        }
    }
    let languages = database.untrusted_languages.iter().map(String::as_str);
    warnings.extend(listed("untrusted languages, whose functions act as the server itself", languages));
    let servers = database.foreign_servers.iter().map(String::as_str);
    warnings.extend(listed("foreign servers that statements can reach", servers));
    warnings.extend(functions(database));
    warnings.extend(triggers(&database.triggers));
    warnings.extend(tables(database));
    warnings
}

fn role(database: &Database) -> Vec<String> {
    let role = &database.role;
    let name = visible_line(&role.name);
    let mut warnings = Vec::new();
    if role.superuser {
        warnings.push(format!(
            "`{name}` is a superuser: nothing in the database stops it; let the gateway use a role of its own"
        ));
    } else {
        if role.reaches_the_server {
            warnings.push(format!("`{name}` may run programs, or read or write files, on the server"));
        }
        if role.bypasses_row_security {
            warnings.push(format!("row security is no bound for `{name}`"));
        }
    }
    if !database.encrypted {
        warnings.push("the connection was not encrypted".to_owned());
    }
    let open = database.schemas.iter().filter(|schema| schema.everybody_creates);
    warnings.extend(listed(
        "schemas in which everybody may create objects",
        open.map(|schema| schema.name.as_str()),
    ));
    warnings
}

fn functions(database: &Database) -> Vec<String> {
    let name = |function: &&Function| format!("{}.{}", function.schema, function.name);
    let of = |says: fn(&Function) -> bool| {
        let functions = database.functions.iter();
        functions.filter(move |function| says(function)).map(|function| name(&function)).collect::<Vec<_>>()
    };
    let kinds = [
        (
            "functions in an untrusted language, which act as the server itself",
            of(|function| function.untrusted),
        ),
        (
            "SECURITY DEFINER functions of a superuser that everybody may call",
            of(|function| function.security_definer && function.of_superuser && function.everybody_executes),
        ),
        (
            "other SECURITY DEFINER functions, which run with their owner's rights",
            of(|function| {
                function.security_definer && !(function.of_superuser && function.everybody_executes)
            }),
        ),
        (
            "SECURITY DEFINER functions without a fixed search_path, which a caller can turn against their owner",
            of(|function| function.security_definer && !function.fixes_search_path),
        ),
    ];
    kinds.iter().filter_map(|(what, names)| listed(what, names.iter().map(String::as_str))).collect()
}

fn triggers(triggers: &[Trigger]) -> Vec<String> {
    let name = |trigger: &Trigger| match &trigger.table {
        Some((schema, table)) => format!("{} on {schema}.{table}", trigger.name),
        None => trigger.name.clone(),
    };
    let of = |says: fn(&Trigger) -> bool| {
        triggers.iter().filter(move |trigger| says(trigger)).map(name).collect::<Vec<_>>()
    };
    let kinds = [
        (
            "triggers that run code when somebody writes",
            of(|trigger| trigger.function.is_some() && trigger.table.is_some() && !trigger.security_definer),
        ),
        (
            "triggers that run code with somebody else's rights",
            of(|trigger| trigger.table.is_some() && trigger.security_definer),
        ),
        ("event triggers, which run code when the schema changes", of(|trigger| trigger.table.is_none())),
        ("rules that turn statements into others", of(|trigger| trigger.function.is_none())),
    ];
    kinds.iter().filter_map(|(what, names)| listed(what, names.iter().map(String::as_str))).collect()
}

fn tables(database: &Database) -> Vec<String> {
    let name = |sampling: Sampling| {
        let tables = database.tables.iter().filter(move |table| table.sampling == sampling);
        tables.map(|table| format!("{}.{}", table.schema, table.name)).collect::<Vec<_>>()
    };
    let kinds = [
        (
            "tables whose values could not be looked at (rights, row security, or slow)",
            name(Sampling::Refused),
        ),
        ("tables whose values were not reached in time", name(Sampling::NotReached)),
    ];
    kinds.iter().filter_map(|(what, names)| listed(what, names.iter().map(String::as_str))).collect()
}

/// `what: a, b and 3 more`, unless there is nothing.
fn listed<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<String> = names.map(|name| format!("`{}`", visible_line(name))).collect();
    let more = match names.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let first: Vec<String> = names.into_iter().take(LISTED).collect();
    (!first.is_empty()).then(|| format!("{what}: {}{more}", first.join(", ")))
}
