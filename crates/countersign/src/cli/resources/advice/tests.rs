//! Name before looks, most values before some, and patterns that never mean less than the column.

use super::*;
use countersign_proxy_postgres::discover::{Role, Sampling};

fn column(name: &str, family: Family, values: u64, looks: &[(&'static str, bool, bool, u64)]) -> Column {
    let looks = looks.iter();
    let looks = looks.map(|(kind, personal, sure, values)| Look {
        kind,
        personal: *personal,
        sure: *sure,
        values: *values,
    });
    let mut column = Column::new(name, "text", family);
    (column.values, column.looks) = (values, looks.collect());
    column
}

fn judged(column: Column) -> Option<(Verdict, Vec<&'static str>)> {
    let table = Table {
        schema: "public".to_owned(),
        name: "things".to_owned(),
        kind: TableKind::Table,
        owner: "o".to_owned(),
        rows: None,
        row_security: false,
        columns: vec![column],
        sampling: Sampling::Skipped,
    };
    judge(&table, &table.columns[0]).map(|sensitive| (sensitive.verdict, sensitive.kinds))
}

#[test]
fn a_column_is_judged_by_its_name_first_and_then_by_most_of_its_values() {
    use Verdict::{Mixed, Personal, Secret};
    let email = ("email", true, true);
    let key = ("aws-access-key", false, true);
    let phone = ("phone", true, false);
    let look = |(kind, personal, sure): (&'static str, bool, bool), values| (kind, personal, sure, values);
    let cases = [
        ("email", Family::Text, 100, vec![], Some((Personal, vec![]))),
        ("password", Family::Text, 100, vec![look(email, 100)], Some((Secret, vec!["email"]))),
        ("a", Family::Text, 100, vec![look(email, 30)], Some((Personal, vec!["email"]))),
        ("a", Family::Text, 100, vec![look(email, 29)], Some((Mixed, vec!["email"]))),
        ("a", Family::Text, 100, vec![look(key, 90)], Some((Secret, vec!["aws-access-key"]))),
        ("a", Family::Text, 100, vec![look(key, 1)], Some((Mixed, vec!["aws-access-key"]))),
        ("a", Family::Text, 100, vec![look(phone, 59)], None),
        ("a", Family::Text, 100, vec![look(phone, 60)], Some((Personal, vec!["phone"]))),
        ("a", Family::Document, 100, vec![look(email, 100)], Some((Mixed, vec!["email"]))),
        ("a", Family::Text, 100, vec![], None),
    ];
    for (name, family, values, looks, verdict) in cases {
        let shown = format!("{name} {family:?} {looks:?}");
        assert_eq!(judged(column(name, family, values, &looks)), verdict, "{shown}");
    }
}

fn sensitive_column(schema: &str, table: &str, column: &str) -> Sensitive {
    Sensitive {
        schema: schema.to_owned(),
        table: table.to_owned(),
        column: column.to_owned(),
        type_name: "text".to_owned(),
        verdict: Verdict::Personal,
        reasons: Vec::new(),
        kinds: Vec::new(),
    }
}

#[test]
fn a_column_that_no_policy_can_name_is_covered_by_something_wider() {
    let table = [
        (("public", "customers", "email"), Some("public.customers.email")),
        (("public", "customers", "e.mail"), Some("public.customers.*")),
        (("public", "customers", "a,b"), Some("public.customers.*")),
        (("public", "customers", "*"), Some("public.customers.*")),
        (("public", "customers", " email"), Some("public.customers.*")),
        (("my.schema", "customers", "email"), Some("email")),
        (("public", "a\nb", "email"), Some("email")),
        (("public", "a,b", "c,d"), None),
    ];
    for ((schema, name, column), pattern) in table {
        assert_eq!(
            sensitive_column(schema, name, column).pattern().as_deref(),
            pattern,
            "{schema}.{name}.{column}"
        );
    }
}

#[test]
fn views_are_not_judged_because_they_show_what_stands_behind_them() {
    let view = Table {
        schema: "public".to_owned(),
        name: "v".to_owned(),
        kind: TableKind::View,
        owner: "o".to_owned(),
        rows: None,
        row_security: false,
        columns: vec![column("email", Family::Text, 0, &[])],
        sampling: Sampling::Skipped,
    };
    let database = Database {
        name: "d".to_owned(),
        version: 150_000,
        encrypted: true,
        role: Role {
            name: "r".to_owned(),
            superuser: false,
            makes_roles: false,
            bypasses_row_security: false,
            reaches_the_server: false,
        },
        schemas: Vec::new(),
        tables: vec![view.clone(), Table { kind: TableKind::Table, ..view }],
        functions: Vec::new(),
        triggers: Vec::new(),
        extensions: Vec::new(),
        untrusted_languages: Vec::new(),
        foreign_servers: Vec::new(),
    };
    assert_eq!(sensitive(&database).len(), 1);
}
