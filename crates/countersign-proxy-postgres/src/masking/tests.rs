//! Does masking hide what it must, whatever the shape of the result?

use std::sync::Arc;

use countersign_core::{Mask, MaskMode, Masked, Obligation, Terms};
use countersign_mask::Key;
use countersign_sql::{Catalog, Session as Meaning, classify};

use super::plan::{Tally, Trust};
use super::{CopyForm, CopyMask, Kit, Known, Lineage, Plan, Rules, Tools, fault, rewrite_row};
use crate::codec::Format;
use crate::codec::back::{Back, Complaint, Field, Severity, data_row, row_description};

const EMAIL: &str = "alice@example.com";

/// `customers` (1: id, 2: email, 3: note, 4: doc) is 20000; `customers_eu` its child, 20001; `contacts` the view
/// `SELECT id, email AS mail, upper(note) FROM customers`, 20002.
const LINEAGE: &str = r#"{
  "relations": [
    [20000, "public", "customers", [[1, "id", 23, false], [2, "email", 25, false], [3, "note", 25, false], [4, "doc", 3802, false]]],
    [20001, "public", "customers_eu", [[1, "id", 23, false], [3, "email", 1043, false]]],
    [20002, "public", "contacts", [[1, "id", 23, false], [2, "mail", 25, false], [3, "upper", 25, false]]],
    [20003, "public", "plain", [[1, "id", 23, false], [2, "email", 25, false]]],
    [20004, "public", "broken", [[1, "x", 25, false]]]
  ],
  "views": [
    [20002, "({QUERY :commandType 1 :rtable ({RANGETBLENTRY :rtekind 0 :relid 20000 :relkind r}) :targetList ({TARGETENTRY :expr {VAR :varno 1} :resno 1 :resname id :ressortgroupref 0 :resorigtbl 20000 :resorigcol 1 :resjunk false} {TARGETENTRY :expr {VAR :varno 1} :resno 2 :resname :resorigtbl :ressortgroupref 0 :resorigtbl 20000 :resorigcol 2 :resjunk false} {TARGETENTRY :expr {FUNCEXPR :funcid 871 :args ({VAR :varno 1})} :resno 3 :resname a\\ \\{b :ressortgroupref 0 :resorigtbl 0 :resorigcol 0 :resjunk false}) :sortClause <>})"],
    [20004, "({SOMETHING"]
  ],
  "inherits": [[20000, 20001]],
  "texts": null
}"#;

fn terms(masks: &[(Masked, MaskMode)]) -> Terms {
    let obligations =
        masks.iter().map(|(what, mode)| Obligation::Mask(Mask { what: what.clone(), mode: *mode }));
    Terms { obligations: obligations.collect(), ..Terms::default() }
}

fn column(name: &str) -> Masked {
    Masked::Column(name.to_owned())
}

fn kit(masks: &[(Masked, MaskMode)]) -> Arc<Kit> {
    let lineage = Arc::new(Lineage::from_json(LINEAGE).unwrap());
    Arc::new(Kit::new(Rules::of(&terms(masks)), lineage, Arc::new(Key::new(&[7; 32]))).unwrap())
}

/// One value through one column.
fn through(kit: &Arc<Kit>, source: (u32, i16, u32, Format), trust: Trust, value: &[u8]) -> Option<Vec<u8>> {
    let (table_oid, attnum, type_oid, format) = source;
    let name = "harmless".into();
    let field = Field { name, table_oid, attnum, type_oid, size: -1, modifier: -1, format };
    let mut described = Vec::new();
    row_description(&mut described, [field]).unwrap();
    let Back::RowDescription(columns) = Back::from_parts(b'T', &described[5..]).unwrap() else { panic!() };
    let mut tally = Tally::default();
    let plan = Plan::of_rows(kit, &columns, trust, &mut tally);
    let mut row = Vec::new();
    data_row(&mut row, [Some(value)]).unwrap();
    let Back::DataRow(cells) = Back::from_parts(b'D', &row[5..]).unwrap() else { panic!() };
    let mut out = Vec::new();
    let changed = rewrite_row(&plan, cells, &mut Tools::default(), &mut out, &mut tally).unwrap();
    if !changed {
        assert!(out.is_empty());
        return Some(value.to_vec());
    }
    let Back::DataRow(cells) = Back::from_parts(b'D', &out[5..]).unwrap() else { panic!() };
    let mut cells = cells.cells();
    cells.next().flatten().map(<[u8]>::to_vec)
}

#[test]
fn a_column_is_what_its_table_and_number_say() {
    let kit = kit(&[(column("customers.email"), MaskMode::Partial)]);
    let text =
        |table, number| through(&kit, (table, number, 25, Format::Text), Trust::Computes, EMAIL.as_bytes());
    let masked = Some(b"a***@e***.com".to_vec());
    let same = Some(EMAIL.as_bytes().to_vec());
    assert_eq!(text(20_000, 2), masked);
    assert_eq!(text(20_000, 3), same, "another column of the same table");
    assert_eq!(text(20_001, 3), masked, "a child's column of the same name");
    assert_eq!(text(20_002, 2), masked, "a view's column, under whatever name");
    assert_eq!(text(20_002, 3), None, "a view's computed column");
    assert_eq!(text(20_003, 2), same, "another table's column of the same name");
    assert_eq!(text(20_004, 1), None, "a view that can't be read");
    assert_eq!(text(29_999, 1), None, "a relation that nobody knows");
    assert_eq!(text(20_000, 9), None, "a column that nobody knows");
    assert_eq!(text(20_000, -1), same, "ctid and the like");
    assert_eq!(text(20_000, 0), None, "the whole row");
    assert_eq!(text(0, 0), None, "an expression");
}

#[test]
fn an_expression_over_nothing_that_is_masked_passes() {
    let kit = kit(&[(column("customers.email"), MaskMode::Partial)]);
    let value = through(&kit, (0, 0, 25, Format::Text), Trust::Clean, EMAIL.as_bytes());
    assert_eq!(value.as_deref(), Some(EMAIL.as_bytes()));
}

#[test]
fn both_formats_are_masked_and_what_is_not_text_becomes_null() {
    let kit = kit(&[(column("customers.*"), MaskMode::Drop)]);
    let of = |number, type_oid, format, value: &[u8]| {
        through(&kit, (20_000, number, type_oid, format), Trust::Computes, value)
    };
    assert_eq!(of(2, 25, Format::Binary, EMAIL.as_bytes()).unwrap(), b"[email]");
    assert_eq!(of(4, 3802, Format::Text, br#"{"a":"b"}"#).unwrap(), br#""[doc]""#);
    assert_eq!(of(4, 3802, Format::Binary, b"\x01{\"a\":\"b\"}").unwrap(), b"\x01\"[doc]\"");
    assert_eq!(of(1, 23, Format::Text, b"4711"), None);
    assert_eq!(of(1, 23, Format::Binary, &4711_i32.to_be_bytes()), None);
}

#[test]
fn content_is_found_in_text_and_json_and_kills_what_is_binary() {
    let content = |kind: &str| Masked::Content(kind.to_owned());
    let kit = kit(&[(content("email"), MaskMode::Drop), (content("card"), MaskMode::Partial)]);
    let of =
        |type_oid, format, value: &[u8]| through(&kit, (20_000, 3, type_oid, format), Trust::Computes, value);
    assert_eq!(
        of(25, Format::Text, b"to alice@example.com 4111111111111111").unwrap(),
        b"to [email] ****1111"
    );
    assert_eq!(of(114, Format::Text, br#"{"to":"alice@example.com"}"#).unwrap(), br#"{"to":"[email]"}"#);
    assert_eq!(of(114, Format::Text, br#"{"pan":4111111111111111}"#).unwrap(), br#""***""#);
    assert_eq!(of(3802, Format::Binary, b"\x01\"alice@example.com\"").unwrap(), b"\x01\"[email]\"");
    assert_eq!(of(1009, Format::Text, b"{alice@example.com,x}").unwrap(), b"{[email],x}");
    assert_eq!(of(1009, Format::Binary, b"\0\0\0\x01alice@example.com"), None);
    assert_eq!(
        of(23, Format::Text, b"4111111111111111").unwrap(),
        b"4111111111111111",
        "numbers aren't searched"
    );
}

#[test]
fn of_two_rules_for_a_column_the_stricter_holds() {
    let kit = kit(&[(column("email"), MaskMode::Null), (column("customers.email"), MaskMode::Partial)]);
    assert_eq!(through(&kit, (20_002, 2, 25, Format::Text), Trust::Computes, EMAIL.as_bytes()), None);
}

#[test]
fn a_row_of_another_shape_is_refused() {
    let kit = kit(&[(column("email"), MaskMode::Null)]);
    let plan = Plan { kit, cells: Vec::new() };
    let mut row = Vec::new();
    data_row(&mut row, [Some(b"x")]).unwrap();
    let Back::DataRow(cells) = Back::from_parts(b'D', &row[5..]).unwrap() else { panic!() };
    let mut out = Vec::new();
    rewrite_row(&plan, cells, &mut Tools::default(), &mut out, &mut Tally::default()).unwrap_err();
    assert!(out.is_empty());
}

fn copied(kit: &Arc<Kit>, form: &str, plan_columns: &[(u32, i16, u32)], data: &[u8], step: usize) -> Vec<u8> {
    let sources = plan_columns.iter().map(|(table, number, type_oid)| super::plan::Source {
        table: *table,
        number: *number,
        type_oid: *type_oid,
        format: Format::Text,
    });
    let mut tally = Tally::default();
    let plan = Plan::of(kit, sources, Trust::Computes, &mut tally);
    let mut mask = CopyMask::for_test(CopyForm::read(form).unwrap(), plan);
    let (mut tools, mut out) = (Tools::default(), Vec::new());
    for piece in data.chunks(step) {
        mask.data(piece, &mut tools, &mut out, &mut tally).unwrap();
    }
    mask.ends(&mut tools, &mut out, &mut tally).unwrap();
    let mut text = Vec::new();
    let mut rest = out.as_slice();
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize;
        text.extend_from_slice(&rest[5..=length]);
        rest = &rest[length + 1..];
    }
    text
}

#[test]
fn copied_rows_are_masked_wherever_their_pieces_are_cut() {
    let kit = kit(&[(column("customers.email"), MaskMode::Partial)]);
    let columns = [(20_000, 1, 23), (20_000, 2, 25), (20_000, 3, 25)];
    let text = b"1\talice@example.com\ta\\tb\\\\\n2\t\\N\tx\n3\tbob\\nby@example.com\ty\n";
    let masked = b"1\ta***@e***.com\ta\\tb\\\\\n2\t\\N\tx\n3\tb***m\ty\n";
    let csv = b"id,email,note\n1,alice@example.com,\"a,\"\"b\n\"\n2,,x\n3,\"bob\nby, x\",\"\"\n";
    let masked_csv = b"id,email,note\n1,a***@e***.com,\"a,\"\"b\n\"\n2,,x\n3,b***x,\"\"\n";
    for step in 1..text.len() {
        assert_eq!(
            copied(&kit, "COPY customers TO STDOUT", &columns, text, step),
            masked,
            "pieces of {step}"
        );
        let form = "COPY customers (id, email, note) TO STDOUT WITH (FORMAT csv, HEADER)";
        assert_eq!(copied(&kit, form, &columns, csv, step), masked_csv, "pieces of {step}");
    }
}

#[test]
fn only_forms_of_copy_that_are_known_are_read() {
    let form = |text| CopyForm::read(text);
    let semicolons =
        form("copy /* a */ Public.\"My Table\" (ID, \"E\"\"M\") to stdout csv header delimiter as ';';")
            .unwrap();
    assert_eq!(
        semicolons.table,
        Some(("My Table".to_owned(), Some(vec!["id".to_owned(), "E\"M".to_owned()])))
    );
    assert!(semicolons.csv && semicolons.header && semicolons.delimiter == b';');
    assert_eq!(form("COPY (SELECT ')' FROM t -- )\n WHERE (a)) TO STDOUT").unwrap().table, None);
    for refused in [
        "COPY t TO STDOUT WITH (FORMAT binary)",
        "COPY t TO STDOUT BINARY",
        "COPY BINARY t TO STDOUT",
        "COPY t TO STDOUT WITH (QUOTE '''')",
        "COPY t TO STDOUT WITH (NULL 'x')",
        "COPY t TO STDOUT CSV ESCAPE '\\'",
        "COPY t TO STDOUT WITH (ENCODING 'latin1')",
        "COPY t TO STDOUT WITH (DELIMITER E'\\t')",
        "COPY t TO '/tmp/x'",
        "COPY t TO STDOUT; SELECT 1",
        "COPY U&\"\\0074\" TO STDOUT",
    ] {
        assert_eq!(form(refused), None, "{refused}");
    }
}

fn told(kit: &Kit, complaint: &Complaint<'_>, extra: &[(u8, &str)], said: &str) -> String {
    let mut bytes = Vec::new();
    complaint.encode_error(&mut bytes);
    bytes.pop();
    for (kind, text) in extra {
        bytes.push(*kind);
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
    }
    bytes.push(0);
    let Back::Error(fields) = Back::from_parts(b'E', &bytes[5..]).unwrap() else { panic!() };
    let mut out = Vec::new();
    let known = Known { said: vec![said.as_bytes()] };
    fault(kit, (b'E', fields), &known, &mut Tools::default(), &mut Tally::default(), &mut out).unwrap();
    Back::from_parts(b'E', &out[5..]).unwrap();
    String::from_utf8_lossy(&out[5..]).replace('\0', "|")
}

fn error(message: &'static str) -> Complaint<'static> {
    Complaint::new(Severity::Error, crate::codec::SqlState::INSUFFICIENT_PRIVILEGE, message)
}

#[test]
fn errors_lose_the_values_that_they_quote_and_keep_what_the_client_said() {
    let kit = kit(&[(column("email"), MaskMode::Partial)]);
    let key = error("duplicate key value violates unique constraint \"customers_email_key\"")
        .detail("Key (email)=(alice@example.com) already exists.");
    let text = told(&kit, &key, &[(b'n', "customers_email_key")], "INSERT");
    assert!(text.contains("\"customers_email_key\"") && text.contains("Key (email)=(***)"), "{text}");
    for leak in [
        "invalid input syntax for type integer: \"alice@example.com\"",
        "relation \"alice@example.com\" does not exist",
        "value \"alice@example.com\" is \"alice@example.com\" and \"alice\"",
        "large object 123456789 does not exist",
        "invalid input syntax for type integer: \"x\" alice \"y\"",
    ] {
        let text = told(&kit, &error(leak), &[], "SELECT email::int FROM customers");
        assert!(!text.contains("alice") && !text.contains("123456"), "{text}");
    }
    let text = told(&kit, &error("column \"Nix\" does not exist at 12345"), &[], "SELECT nix, 12345");
    assert!(text.contains("\"Nix\"") && text.contains("12345"), "{text}");
}

#[test]
fn what_code_says_is_hidden_and_so_are_details_of_unknown_form() {
    let kit = kit(&[(column("email"), MaskMode::Partial)]);
    let raised = error("mail of alice").detail("alice").hint("alice");
    let context = [(b'W', "PL/pgSQL function f() line 1 at RAISE"), (b'n', "alice")];
    let text = told(&kit, &raised, &context, "SELECT f()");
    assert!(!text.contains("alice") && text.contains("hidden"), "{text}");
    let xml = error("invalid XML content").detail("line 1: StartTag: invalid element name\n<alice");
    assert!(!told(&kit, &xml, &[], "SELECT 1").contains("alice"));
}

#[test]
fn a_statement_computes_masked_values_when_it_touches_them_or_nobody_knows() {
    let kit = kit(&[(column("customers.email"), MaskMode::Partial)]);
    let nothing = Catalog::empty();
    let read = |text: &str| classify(text, &nothing, &Meaning::new("agent"));
    assert!(!kit.may_compute(Some(("SHOW server_version", &read("SHOW server_version")))));
    assert!(
        kit.may_compute(Some((
            "SELECT upper(email) FROM customers",
            &read("SELECT upper(email) FROM customers")
        ))),
        "nobody knows the relation"
    );
    assert!(
        kit.may_compute(Some(("FETCH ALL FROM c", &read("FETCH ALL FROM c")))),
        "the query stands somewhere else"
    );
    assert!(kit.may_compute(None), "a statement that nobody knows");
    assert!(kit.may_compute(Some(("not sql", &read("not sql")))), "a text that can't be parsed");
}

#[test]
fn the_tally_says_what_and_how_much_and_no_value() {
    let kit =
        kit(&[(column("email"), MaskMode::Hash), (Masked::Content("email".to_owned()), MaskMode::Drop)]);
    let mut tally = Tally::default();
    let source = |number| super::plan::Source { table: 20_000, number, type_oid: 25, format: Format::Text };
    let computed = super::plan::Source { table: 0, number: 0, type_oid: 25, format: Format::Text };
    let plan = Plan::of(&kit, [source(2), source(3), computed].into_iter(), Trust::Computes, &mut tally);
    let mut row = Vec::new();
    data_row(&mut row, [Some(EMAIL), Some(EMAIL), Some(EMAIL)]).unwrap();
    let Back::DataRow(cells) = Back::from_parts(b'D', &row[5..]).unwrap() else { panic!() };
    let mut out = Vec::new();
    rewrite_row(&plan, cells, &mut Tools::default(), &mut out, &mut tally).unwrap();
    assert_eq!(tally.note().unwrap(), "masked customers.email (hash), 1 computed column; found 1 email");
}

#[test]
fn only_a_count_of_nothing_else_is_let_through() {
    for counts in [
        "SELECT count(*) FROM customers",
        "select COUNT ( * ) AS n from customers c WHERE email LIKE 'a%' GROUP BY note;",
    ] {
        assert!(super::counting::only_counts(counts), "{counts}");
    }
    for more in [
        "SELECT count(*), max(email) FROM customers",
        "SELECT count(*) || max(email) FROM customers",
        "SELECT count(email) FROM customers",
        "SELECT \"count\"(*) FROM customers",
        "SELECT count(*) FROM customers UNION SELECT ascii(email) FROM customers",
        "SELECT count(*) FROM customers; SELECT email || '' FROM customers",
        "WITH c AS (SELECT 1) SELECT count(*) FROM c",
        "SELECT count(*) FILTER (WHERE true) FROM customers",
        "SELECT count(*) OVER () FROM customers",
        "SELECT count(*) + ascii(max(email)) FROM customers",
        "SELECT count(*) /* $$ */ FROM customers WHERE email = $$x$$",
    ] {
        assert!(!super::counting::only_counts(more), "{more}");
    }
}
