//! Which of PostgreSQL's own functions only compute or only tell?
//!
//! A function of `pg_catalog` is calm when the catalog calls it immutable or stable and it isn't named here as
//! dangerous, or when it is volatile and named here as harmless. Volatility is no proof (a stable function may run a
//! query out of a string), so the list of exceptions was made by reading every stable function of PostgreSQL 15 to 18.

use crate::catalog::SystemFunction;

/// What a call of one of PostgreSQL's own functions does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Computes or tells.
    Calm,
    /// Does something: `execute`.
    Acts,
    /// Runs a query or reads a table whose name is in a string: `execute` and `unknown`.
    RunsText,
    /// Shows what only administrators should see: `secret`.
    Secret,
    /// Reads the server's files: `secret` on the file and `execute`.
    ReadsFile,
    /// Writes the server's files: `export` on the file and `execute`.
    WritesFile,
    /// nextval, setval.
    WritesSequence,
    /// currval.
    ReadsSequence,
    /// set_config.
    Sets,
    /// pg_notify.
    Notifies,
}

/// Volatile functions that change nothing but, at most, this session's own random numbers and statistics snapshot.
const HARMLESS: &[&str] = &[
    "clock_timestamp",
    "current_query",
    "gen_random_uuid",
    "lastval",
    "pg_blocking_pids",
    "pg_collation_actual_version",
    "pg_current_wal_flush_lsn",
    "pg_current_wal_insert_lsn",
    "pg_current_wal_lsn",
    "pg_database_collation_actual_version",
    "pg_database_size",
    "pg_get_multixact_members",
    "pg_get_wal_replay_pause_state",
    "pg_get_wal_resource_managers",
    "pg_indexes_size",
    "pg_is_in_recovery",
    "pg_is_wal_replay_paused",
    "pg_isolation_test_session_is_blocked",
    "pg_jit_available",
    "pg_last_committed_xact",
    "pg_last_wal_receive_lsn",
    "pg_last_wal_replay_lsn",
    "pg_last_xact_replay_timestamp",
    "pg_lock_status",
    "pg_notification_queue_usage",
    "pg_partition_ancestors",
    "pg_partition_tree",
    "pg_relation_size",
    "pg_safe_snapshot_blocking_pids",
    "pg_sequence_last_value",
    "pg_stat_clear_snapshot",
    "pg_stat_get_recovery_prefetch",
    "pg_stat_get_xact_blocks_fetched",
    "pg_stat_get_xact_blocks_hit",
    "pg_stat_get_xact_function_calls",
    "pg_stat_get_xact_function_self_time",
    "pg_stat_get_xact_function_total_time",
    "pg_stat_get_xact_numscans",
    "pg_stat_get_xact_tuples_deleted",
    "pg_stat_get_xact_tuples_fetched",
    "pg_stat_get_xact_tuples_hot_updated",
    "pg_stat_get_xact_tuples_inserted",
    "pg_stat_get_xact_tuples_newpage_updated",
    "pg_stat_get_xact_tuples_returned",
    "pg_stat_get_xact_tuples_updated",
    "pg_stat_have_stats",
    "pg_table_size",
    "pg_tablespace_size",
    "pg_total_relation_size",
    "pg_xact_commit_timestamp",
    "pg_xact_commit_timestamp_origin",
    "pg_xact_status",
    "random",
    "random_normal",
    "setseed",
    "statement_timestamp",
    "timeofday",
    "txid_status",
    "uuidv4",
    "uuidv7",
];

/// Immutable or stable functions that do more than compute: they look up a type, a table or a query by its text.
const RUNS_TEXT: &[&str] = &[
    "cursor_to_xml",
    "cursor_to_xmlschema",
    "database_to_xml",
    "database_to_xml_and_xmlschema",
    "database_to_xmlschema",
    "fmgr_c_validator",
    "fmgr_internal_validator",
    "fmgr_sql_validator",
    "pg_input_error_info",
    "pg_input_is_valid",
    "query_to_xml",
    "query_to_xml_and_xmlschema",
    "query_to_xmlschema",
    "schema_to_xml",
    "schema_to_xml_and_xmlschema",
    "schema_to_xmlschema",
    "table_to_xml",
    "table_to_xml_and_xmlschema",
    "table_to_xmlschema",
    "ts_rewrite",
    "ts_stat",
];

/// Connection strings, passwords, other people's statements in files.
const SECRET: &[&str] = &[
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_show_all_file_settings",
    "pg_stat_get_wal_receiver",
    "pg_mcv_list_items",
];

/// What a call of `name`, one of PostgreSQL's own functions, does.
pub(crate) fn call_of(name: &str, mark: SystemFunction) -> Call {
    if let Some(call) = special(name) {
        return call;
    }
    match mark {
        SystemFunction::Calm => Call::Calm,
        SystemFunction::Volatile if HARMLESS.binary_search(&name).is_ok() => Call::Calm,
        SystemFunction::Volatile | SystemFunction::Internal => Call::Acts,
    }
}

fn special(name: &str) -> Option<Call> {
    match name {
        "nextval" | "setval" => return Some(Call::WritesSequence),
        "currval" => return Some(Call::ReadsSequence),
        "set_config" => return Some(Call::Sets),
        "pg_notify" => return Some(Call::Notifies),
        "lo_export" => return Some(Call::WritesFile),
        // Stable by label, but each call in a transaction of its own uses up a transaction id.
        "pg_current_xact_id" | "txid_current" => return Some(Call::Acts),
        _ => {}
    }
    if RUNS_TEXT.binary_search(&name).is_ok() {
        return Some(Call::RunsText);
    }
    if SECRET.contains(&name) {
        return Some(Call::Secret);
    }
    let reads_file = name.starts_with("pg_read_")
        || name.starts_with("pg_ls_")
        || matches!(name, "pg_stat_file" | "lo_import" | "pg_current_logfile");
    reads_file.then_some(Call::ReadsFile)
}

/// Grammar of newer versions that an older server reads as a call of an ordinary function of that name: there, a
/// function that somebody made would run without our seeing a call.
pub(crate) const GRAMMAR_FUNCTIONS: [(&str, u32); 12] = [
    ("json", 160_000),
    ("json_array", 160_000),
    ("json_arrayagg", 160_000),
    ("json_exists", 170_000),
    ("json_object", 160_000),
    ("json_objectagg", 160_000),
    ("json_query", 170_000),
    ("json_scalar", 170_000),
    ("json_serialize", 170_000),
    ("json_table", 170_000),
    ("json_value", 170_000),
    ("merge_action", 170_000),
];

/// Extensions whose functions were read and only compute. A function counts as theirs when it is recorded as a member,
/// only a superuser can have written it (the caller checks that: it is in C, internal, or in SQL and owned by one), and
/// its library, if it has one, is the extension's own. It must also call itself immutable or stable, unless the
/// extension only makes random values.
pub(crate) fn known_extension(extension: &str, library: Option<&str>, volatility: char) -> bool {
    let computes = match extension {
        "citext" | "hstore" | "pg_trgm" | "ltree" | "cube" | "btree_gin" | "btree_gist" | "fuzzystrmatch"
        | "intarray" | "isn" | "seg" | "unaccent" | "vector" => volatility != 'v',
        "pgcrypto" | "uuid-ossp" => true,
        _ => false,
    };
    let file = if extension == "intarray" { "_int" } else { extension };
    computes && library.is_none_or(|library| is_library(library, file))
}

fn is_library(library: &str, name: &str) -> bool {
    library.strip_prefix("$libdir/").unwrap_or(library) == name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_because_they_are_searched() {
        assert!(HARMLESS.is_sorted() && RUNS_TEXT.is_sorted());
    }

    #[test]
    fn a_function_of_an_extension_counts_only_with_its_own_library() {
        assert!(known_extension("citext", Some("$libdir/citext"), 'i'));
        assert!(!known_extension("citext", Some("/tmp/evil"), 'i'));
        assert!(!known_extension("dblink", Some("$libdir/dblink"), 'i'));
        assert!(!known_extension("pg_trgm", Some("$libdir/pg_trgm"), 'v'));
    }
}
