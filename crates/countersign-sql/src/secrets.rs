//! Which of PostgreSQL's own relations hold secrets?

/// Passwords, connection strings, samples of other tables' values, the server's configuration files.
const SECRETS: [&str; 18] = [
    "pg_authid",
    "pg_file_settings",
    "pg_foreign_server",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_largeobject",
    "pg_shadow",
    "pg_stat_wal_receiver",
    "pg_statistic",
    "pg_statistic_ext_data",
    "pg_stats",
    "pg_stats_ext",
    "pg_stats_ext_exprs",
    "pg_subscription",
    "pg_user_mapping",
    "pg_user_mappings",
    "foreign_server_options",
    "user_mapping_options",
];

/// Whether reading this relation of PostgreSQL's own is a `secret`. The views that show the same without its secrets
/// (`pg_roles`, `pg_user`) are not.
pub(crate) fn is_secret(schema: &str, name: &str) -> bool {
    matches!(schema, "pg_catalog" | "information_schema")
        && (SECRETS.contains(&name) || name == "_pg_user_mappings" || name == "_pg_foreign_servers")
}
