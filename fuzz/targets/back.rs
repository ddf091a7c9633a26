//! Does any input break the codec for everything a server could send?
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| countersign_proxy_postgres::fuzzing::fuzz_back(bytes));
