//! Does any input break the codec for everything a client could send first?
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| countersign_proxy_postgres::fuzzing::fuzz_startup(bytes));
