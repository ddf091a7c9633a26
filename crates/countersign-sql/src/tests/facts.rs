//! Facts of the catalog that the fixture's database doesn't have, put into its JSON.

use serde_json::{Value, json};

use super::{effects, session};
use crate::{Catalog, Session, classify};

fn with(change: impl FnOnce(&mut Value)) -> Catalog {
    let mut document: Value = serde_json::from_str(include_str!("../../tests/catalog.json")).unwrap();
    change(&mut document);
    Catalog::from_json(&document.to_string()).unwrap()
}

fn oid(document: &Value, list: &str, name: &str) -> u64 {
    let rows = document[list].as_array().unwrap();
    rows.iter().find(|row| row[2] == name).unwrap()[0].as_u64().unwrap()
}

fn judged(catalog: &Catalog, text: &str) -> String {
    effects(&classify(text, catalog, &session()))
}

#[test]
fn an_event_trigger_runs_with_every_ddl() {
    let catalog = with(|document| {
        let function = oid(document, "functions", "on_change");
        document["event_triggers"] = json!([["ddl_command_end", function]]);
    });
    let found = judged(&catalog, "CREATE TABLE x (id int)");
    assert_eq!(found, "schema public.x, execute public.on_change()");
    assert_eq!(judged(&catalog, "SELECT 1"), "read session");
}

#[test]
fn a_cast_between_two_of_postgresqls_own_types_may_run_anywhere() {
    let catalog = with(|document| {
        let function = oid(document, "functions", "plain");
        document["casts"] = json!([[23, 16, function]]);
    });
    assert_eq!(judged(&catalog, "SELECT 1"), "execute public.plain()");
}

#[test]
fn a_schema_that_the_role_may_not_use_makes_its_names_doubtful() {
    let catalog = with(|document| document["schemas"] = json!(["pg_catalog", "public"]));
    let session = Session { search_path: vec!["secret".to_owned(), "public".to_owned()], ..session() };
    let found = effects(&classify("SELECT * FROM passwords", &catalog, &session));
    assert_eq!(found, "read secret.passwords, unknown passwords");
}

#[test]
fn definitions_that_go_in_circles_end_in_doubt() {
    let catalog = with(|document| {
        let view = oid(document, "relations", "harmless");
        document["views"] = json!([[view, "SELECT id FROM public.harmless"]]);
    });
    assert_eq!(judged(&catalog, "SELECT * FROM harmless"), "read public.harmless, unknown definition");
}

#[test]
fn an_unreadable_definition_is_unknown() {
    let catalog = with(|document| {
        let view = oid(document, "relations", "harmless");
        document["views"] = json!([[view, "SELECT FROM WHERE"]]);
    });
    assert_eq!(judged(&catalog, "SELECT * FROM harmless"), "read public.harmless, unknown public.harmless");
}

#[test]
fn a_function_in_a_newer_grammars_clothes_is_calm_where_the_server_knows_the_grammar() {
    let catalog = with(|document| document["version"] = json!(180_000));
    assert_eq!(judged(&catalog, "SELECT json_scalar('x')"), "read session");
}

#[test]
fn an_extensions_function_in_another_library_is_somebodys() {
    let catalog = with(|document| {
        for row in document["functions"].as_array_mut().unwrap() {
            if row[2] == "citext_eq" {
                row[11] = json!("/tmp/evil");
            }
        }
    });
    assert_eq!(
        judged(&catalog, "SELECT id FROM users WHERE id = 1"),
        "read public.users, execute public.citext_eq()"
    );
}

#[test]
fn a_parameter_of_a_domain_with_a_check_is_not_plain() {
    let catalog = with(|_| {});
    let types: Value = serde_json::from_str(include_str!("../../tests/catalog.json")).unwrap();
    let plain = |name: &str| catalog.type_is_plain(u32::try_from(oid(&types, "types", name)).unwrap());
    assert!(plain("positive") && plain("users"));
    assert!(!plain("good") && !plain("pair") && !plain("mood"));
    assert!(catalog.type_is_plain(23) && !catalog.type_is_plain(4_000_000_000));
}

#[test]
fn the_catalog_tells_names_and_columns() {
    let catalog = with(|_| {});
    let oid = catalog.relation_oid("sales", "customers").unwrap();
    assert_eq!(catalog.relation_name(oid), Some(("sales", "customers")));
    assert_eq!(catalog.columns(oid).unwrap().collect::<Vec<_>>(), ["id", "code", "name"]);
    assert_eq!((catalog.version(), Catalog::empty().version()), (150_018, 0));
    assert_ne!(catalog.digest(), Catalog::empty().digest());
    Catalog::from_json("{}").unwrap_err();
}

#[test]
fn a_statement_says_what_it_is() {
    let text = "BEGIN; DELETE FROM users WHERE id = 1 RETURNING id; SELECT hash FROM hashes";
    let verdict = classify(text, &with(|_| {}), &session());
    let spans: Vec<&str> =
        verdict.statements.iter().map(|s| text.get(s.span.clone()).unwrap().trim()).collect();
    assert_eq!(spans, text.split(';').map(str::trim).collect::<Vec<_>>());
    let [begin, delete, select] = &verdict.statements[..] else { panic!("{verdict:?}") };
    assert_eq!((begin.tag, begin.returns_rows, begin.reads_only), ("BEGIN", false, true));
    let target = delete.dml_target.as_ref().unwrap();
    assert!(target.filtered && target.returning && delete.returns_rows && !delete.reads_only);
    assert_eq!((target.schema.as_str(), target.name.as_str()), ("public", "users"));
    let [view, table] = &select.relations[..] else { panic!("{select:?}") };
    assert_eq!((view.via_view.as_deref(), view.read, view.written), (None, true, false));
    assert_eq!((table.name.as_str(), table.via_view.as_deref()), ("passwords", Some("public.hashes")));
}

#[test]
fn a_node_that_is_not_on_the_list_is_unknown_wherever_it_stands() {
    use pg_query::NodeEnum as N;
    use pg_query::protobuf::{Node, PlAssignStmt, ResTarget, SelectStmt, Var};
    let node = |node| Node { node: Some(node) };
    let boxed = |inner| Some(Box::new(node(inner)));
    let target = ResTarget { val: boxed(N::Var(Box::<Var>::default())), ..ResTarget::default() };
    let target = node(N::ResTarget(Box::new(target)));
    let in_list = SelectStmt { target_list: vec![target], ..SelectStmt::default() };
    let in_from = SelectStmt { from_clause: vec![node(N::Var(Box::default()))], ..SelectStmt::default() };
    let (catalog, session) = (with(|_| {}), session());
    for (statement, kind) in [
        (N::PlassignStmt(Box::<PlAssignStmt>::default()), "syntax:PlassignStmt"),
        (N::SelectStmt(Box::new(in_list)), "syntax:Var"),
        (N::SelectStmt(Box::new(in_from)), "syntax:Var"),
    ] {
        let node = node(statement);
        let mut walk = crate::walk::Walk::new(&catalog, &session);
        walk.statement(&node);
        assert!(
            walk.found
                .effects
                .contains(&countersign_core::Effect::new(countersign_core::Verb::Unknown, kind)),
            "{:?}",
            walk.found
        );
    }
}
