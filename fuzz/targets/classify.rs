//! Does any text break the classifier, or a law that holds for every verdict?
#![no_main]

use countersign_sql::Catalog;
use countersign_sql::fuzzing::fuzz_classify;

thread_local! {
    /// The database of the classifier's own tests.
    static CATALOG: Catalog =
        Catalog::from_json(include_str!("../../crates/countersign-sql/tests/catalog.json")).expect("a catalog");
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| CATALOG.with(|catalog| fuzz_classify(bytes, catalog)));
