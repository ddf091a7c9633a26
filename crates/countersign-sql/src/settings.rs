//! Which settings may a session change without changing what its texts mean or what it may do?

/// Settings that change speed, limits of the session itself, or how values are shown. Sorted, lower case.
const HARMLESS: &[&str] = &[
    "application_name",
    "bytea_output",
    "client_connection_check_interval",
    "client_min_messages",
    "constraint_exclusion",
    "cpu_index_tuple_cost",
    "cpu_operator_cost",
    "cpu_tuple_cost",
    "cursor_tuple_fraction",
    "datestyle",
    "deadlock_timeout",
    "default_statistics_target",
    "default_text_search_config",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "effective_cache_size",
    "effective_io_concurrency",
    "enable_async_append",
    "enable_bitmapscan",
    "enable_gathermerge",
    "enable_hashagg",
    "enable_hashjoin",
    "enable_incremental_sort",
    "enable_indexonlyscan",
    "enable_indexscan",
    "enable_material",
    "enable_memoize",
    "enable_mergejoin",
    "enable_nestloop",
    "enable_parallel_append",
    "enable_parallel_hash",
    "enable_partition_pruning",
    "enable_partitionwise_aggregate",
    "enable_partitionwise_join",
    "enable_seqscan",
    "enable_sort",
    "enable_tidscan",
    "extra_float_digits",
    "from_collapse_limit",
    "geqo",
    "geqo_threshold",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "intervalstyle",
    "jit",
    "jit_above_cost",
    "join_collapse_limit",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "lock_timeout",
    "maintenance_work_mem",
    "max_parallel_workers_per_gather",
    "plan_cache_mode",
    "quote_all_identifiers",
    "random_page_cost",
    "seq_page_cost",
    "statement_timeout",
    "synchronize_seqscans",
    "tcp_keepalives_count",
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "tcp_user_timeout",
    "timezone",
    "transaction_deferrable",
    "transaction_isolation",
    "transaction_timeout",
    "work_mem",
    "xmlbinary",
    "xmloption",
];

/// Whether setting `name` to anything is harmless: it changes speed, limits of the session itself, or how values are
/// shown, and never what a text means or may do. Names in any letter case.
pub fn is_harmless(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    HARMLESS.binary_search(&name.as_str()).is_ok()
}

/// Whether setting `name` to this one value keeps what the gateway relies on. Drivers send these at every start.
pub fn is_harmless_value(name: &str, value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    match name.to_ascii_lowercase().as_str() {
        "standard_conforming_strings" | "check_function_bodies" | "row_security" => {
            matches!(value.as_str(), "on" | "true" | "1" | "yes")
        }
        name if is_encoding(name) => matches!(value.as_str(), "utf8" | "utf-8" | "unicode"),
        "default_transaction_read_only" | "transaction_read_only" => {
            matches!(value.as_str(), "on" | "true" | "1" | "yes")
        }
        _ => false,
    }
}

/// Whether this is the setting of the client's encoding. Texts are judged as UTF-8; in another encoding the same bytes
/// would mean something else to the server.
pub(crate) fn is_encoding(name: &str) -> bool {
    name.eq_ignore_ascii_case("client_encoding") || name.eq_ignore_ascii_case("names")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_because_it_is_searched() {
        assert!(HARMLESS.is_sorted());
    }

    #[test]
    fn what_changes_meaning_is_not_harmless() {
        for name in
            ["search_path", "role", "session_authorization", "row_security", "session_replication_role"]
        {
            assert!(!is_harmless(name), "{name}");
        }
        assert!(!is_harmless_value("standard_conforming_strings", "off"));
        assert!(is_harmless_value("client_encoding", "UTF8"));
    }
}
