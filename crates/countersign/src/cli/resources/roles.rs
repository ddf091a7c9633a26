//! With which rights should the gateway come to the database? SQL for a role that can work with rows and nothing else,
//! and for one that only reads, to be run once by whoever administers the database.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use countersign_console::visible_line;

use super::plan::Plan;

const ATTRIBUTES: &str = "NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS";

/// The whole file.
pub(super) fn text(plan: &Plan) -> String {
    let (role, preview) = (quoted(&plan.role()), quoted(&plan.preview_role()));
    let database = quoted(&plan.database.name);
    let mut text = format!(
        "-- Suggested by `countersign resources discover` for {shown}.\n\
         -- Read it, then run it once as the owner of the tables, or as an administrator:\n\
         --   psql -v ON_ERROR_STOP=1 -d DATABASE -f {file}\n\
         -- Afterwards give both roles a password; psql asks for it and sends no clear text:\n\
         --   \\password {role_shown}\n\
         --   \\password {preview_shown}\n",
        shown = plan.shown(),
        file = plan.role_file(),
        role_shown = plan.role(),
        preview_shown = plan.preview_role(),
    );
    if plan.database.role.superuser {
        text.push_str(
            "-- The role that looked is a superuser. Don't let the gateway use it: what a policy overlooks, it could do.\n",
        );
    }
    let _written = write!(
        text,
        "\nBEGIN;\n\n\
         -- The gateway's role: it works with rows. It owns nothing, so it can change no table, right or function.\n\
         CREATE ROLE {role} LOGIN {ATTRIBUTES};\n\
         ALTER ROLE {role} IN DATABASE {database} SET search_path = {path};\n\
         ALTER ROLE {role} IN DATABASE {database} SET statement_timeout = '60s';\n\
         ALTER ROLE {role} IN DATABASE {database} SET lock_timeout = '10s';\n\
         GRANT CONNECT ON DATABASE {database} TO {role};\n\n\
         -- For previews: it reads, and even that not for long.\n\
         CREATE ROLE {preview} LOGIN {ATTRIBUTES};\n\
         ALTER ROLE {preview} IN DATABASE {database} SET search_path = {path};\n\
         ALTER ROLE {preview} IN DATABASE {database} SET default_transaction_read_only = on;\n\
         ALTER ROLE {preview} IN DATABASE {database} SET statement_timeout = '5s';\n\
         ALTER ROLE {preview} IN DATABASE {database} SET lock_timeout = '1s';\n\
         ALTER ROLE {preview} IN DATABASE {database} SET idle_in_transaction_session_timeout = '10s';\n\
         GRANT CONNECT ON DATABASE {database} TO {preview};\n",
        path = search_path(plan),
    );
    schemas(plan, &mut text, &role, &preview);
    defaults(plan, &mut text, &role, &preview);
    text.push_str("\nCOMMIT;\n");
    remarks(plan, &mut text);
    text
}

fn schemas(plan: &Plan, text: &mut String, role: &str, preview: &str) {
    for schema in plan.schemas() {
        let schema = quoted(schema);
        let _written = write!(
            text,
            "\nGRANT USAGE ON SCHEMA {schema} TO {role}, {preview};\n\
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};\n\
             GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role};\n\
             GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {preview};\n"
        );
    }
}

/// Tables that are made tomorrow belong to whoever makes them, most likely an owner of today's.
fn defaults(plan: &Plan, text: &mut String, role: &str, preview: &str) {
    let schemas = plan.schemas();
    let tables = plan.database.tables.iter();
    let owners: BTreeSet<(&str, &str)> = tables
        .filter(|table| schemas.contains(&table.schema.as_str()))
        .map(|table| (table.owner.as_str(), table.schema.as_str()))
        .collect();
    if !owners.is_empty() {
        text.push_str(
            "\n-- The same for tables that are made later. It needs the rights of the owners it names.\n",
        );
    }
    for (owner, schema) in owners {
        let start =
            format!("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {}", quoted(owner), quoted(schema));
        let _written = write!(
            text,
            "{start} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};\n\
             {start} GRANT USAGE, SELECT ON SEQUENCES TO {role};\n\
             {start} GRANT SELECT ON TABLES TO {preview};\n"
        );
    }
}

/// What a person should decide, as comments. A comment ends with its line, so names are made visible.
fn remarks(plan: &Plan, text: &mut String) {
    let open = plan.database.schemas.iter().filter(|schema| schema.everybody_creates);
    for schema in open {
        let line = format!("REVOKE CREATE ON SCHEMA {} FROM PUBLIC;", quoted(&schema.name));
        remark(
            text,
            "Everybody may create objects here, also such as others call by mistake. Consider:",
            &line,
        );
    }
    let dangerous = |function: &&countersign_proxy_postgres::discover::Function| {
        function.everybody_executes && (function.security_definer || function.untrusted)
    };
    for function in plan.database.functions.iter().filter(dangerous) {
        let name = format!("{}.{}", quoted(&function.schema), quoted(&function.name));
        let line = format!("REVOKE EXECUTE ON ROUTINE {name}({}) FROM PUBLIC;", function.arguments);
        remark(text, "Everybody may call this, and it can do more than its caller. Consider:", &line);
    }
    for table in plan.database.tables.iter().filter(|table| table.row_security) {
        let line = format!("CREATE POLICY … ON {}.{} TO …;", quoted(&table.schema), quoted(&table.name));
        remark(text, "Row security is on, so the new roles see no row without a policy for them:", &line);
    }
}

fn remark(text: &mut String, why: &str, line: &str) {
    let _written = write!(text, "\n-- {why}\n--   {}\n", visible_line(line));
}

/// Names without a schema mean `public` where it exists, else the schema with the most tables. More would make names
/// mean what nobody expects.
fn search_path(plan: &Plan) -> String {
    let tables = |schema: &str| plan.database.tables.iter().filter(|table| table.schema == schema).count();
    let schemas = plan.schemas();
    let public = schemas.iter().find(|name| **name == "public");
    let first = public.or_else(|| schemas.iter().max_by_key(|name| tables(name)));
    first.map_or_else(|| "pg_catalog".to_owned(), |name| quoted(name))
}

/// An identifier, in quotes whatever it holds.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
