use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::server::Server;
use super::{corpus, effects, generate, session};
use crate::{Catalog, classify};

/// What the server says when a READ ONLY transaction would change something.
const READ_ONLY_TRANSACTION: &str = "25006";

/// The error codes of each statement in a READ ONLY transaction of its own.
fn refusals(server: &Server, statements: &[&str]) -> BTreeMap<usize, String> {
    let mut script = String::from("SET statement_timeout = '5s';\nSET search_path = app, public;\n");
    for (number, statement) in statements.iter().enumerate() {
        writeln!(script, "\\warn #{number}\nBEGIN READ ONLY;\n{statement}\n;\nROLLBACK;").unwrap();
    }
    let printed = server.psql("fix", &script);
    let mut refused = BTreeMap::new();
    let mut current = None;
    for line in printed.errors.lines() {
        if let Some(number) = line.strip_prefix('#') {
            current = number.parse().ok();
        } else if let (Some(number), Some((_, code))) = (current, line.split_once("ERROR:  ")) {
            refused.entry(number).or_insert_with(|| code.to_owned());
        }
    }
    assert_eq!(current, statements.len().checked_sub(1), "the script ran to its end: {}", printed.errors);
    refused
}

/// Whether each statement made the server assign a transaction id, which every write of rows or catalogs does.
fn writers(server: &Server, statements: &[&str]) -> Vec<usize> {
    let mut script = String::from("SET statement_timeout = '5s';\nSET search_path = app, public;\n");
    for (number, statement) in statements.iter().enumerate() {
        writeln!(script, "BEGIN;\n{statement}\n;\nSELECT '@{number} ' || (pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL);\nROLLBACK;").unwrap();
    }
    let printed = server.psql("fix", &script);
    let marks = printed.out.lines().filter_map(|line| line.strip_prefix('@')?.strip_suffix(" true"));
    marks.map(|number| number.parse().unwrap()).collect()
}

#[test]
fn the_fixture_is_what_the_server_says() {
    let Some(server) = Server::start("fixture") else { return };
    let catalog = Catalog::from_json(&server.catalog_json()).unwrap();
    for statement in corpus::all() {
        let here = effects(&classify(statement, &catalog, &session()));
        assert_eq!(here, effects(&super::judge(statement)), "{statement}");
    }
}

#[test]
fn what_a_read_only_transaction_refuses_is_never_reads_only() {
    let Some(server) = Server::start("corpus") else { return };
    let catalog = Catalog::from_json(&server.catalog_json()).unwrap();
    let statements: Vec<&str> =
        corpus::all().into_iter().filter(|s| classify(s, &catalog, &session()).reads_only()).collect();
    assert!(statements.len() > 120, "{}", statements.len());
    let refused = refusals(&server, &statements);
    for (number, code) in &refused {
        assert_ne!(code, READ_ONLY_TRANSACTION, "{}", statements[*number]);
    }
    assert!(refused.len() < statements.len() / 4, "most run: {refused:?}");
    let wrote: Vec<&str> = writers(&server, &statements).into_iter().map(|n| statements[n]).collect();
    assert!(wrote.is_empty(), "{wrote:?}");
}

#[test]
fn generated_statements_that_the_server_refuses_are_never_reads_only() {
    let Some(server) = Server::start("generated") else { return };
    let catalog = Catalog::from_json(&server.catalog_json()).unwrap();
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, b"countersign: what may be allowed");
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    let statements: Vec<String> =
        (0..1_500).map(|_| generate::statement().new_tree(&mut runner).unwrap().current()).collect();
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    let refused = refusals(&server, &statements);
    let mut calm = Vec::new();
    let mut caught = 0;
    for (number, statement) in statements.iter().enumerate() {
        let verdict = classify(statement, &catalog, &session());
        let refused = refused.get(&number).is_some_and(|code| code == READ_ONLY_TRANSACTION);
        assert!(!(refused && verdict.reads_only()), "refused, but {}: {statement}", effects(&verdict));
        caught += usize::from(refused);
        if verdict.reads_only() {
            calm.push(*statement);
        }
    }
    assert!(caught > 200 && calm.len() > 100, "{caught} refused, {} calm", calm.len());
    let wrote: Vec<&str> = writers(&server, &calm).into_iter().map(|number| calm[number]).collect();
    assert!(wrote.is_empty(), "{wrote:?}");
}
