//! Which 1,000 rules does every statement face? Most are about other things, as in a grown company; some are about this
//! database and have to be looked at each time; a few permit what the load does. Nobody is asked.

use std::fmt::Write as _;

/// Resources that the gateway serves in this measurement, by name.
pub const RESOURCES: [&str; 5] = ["plain", "sealed", "recorded", "columns", "content"];

const TABLES: [&str; 9] = [
    "pgbench_accounts",
    "pgbench_branches",
    "pgbench_tellers",
    "pgbench_history",
    "rows_plain",
    "rows_base64",
    "rows_digits",
    "rows_non_ascii",
    "wide",
];

/// A policy of `count` statements.
pub fn rules(count: usize) -> String {
    let mut text = String::from(
        r#"@id("recorded") @obligation("record")
permit (principal, action in [Action::"read", Action::"write", Action::"export"], resource in Resource::"recorded");

@id("columns") @obligation("mask") @columns("email") @mode("partial")
permit (principal, action, resource in Resource::"columns");

@id("content") @obligation("mask") @detect("email,card,iban,phone,jwt,aws-access-key,private-key") @mode("partial")
permit (principal, action, resource in Resource::"content");

@id("catalog")
permit (principal in Team::"bench", action == Action::"read", resource in Env::"prod")
when { context.operation like "SELECT*" };

@id("session")
permit (principal in Team::"bench", action == Action::"read", resource)
when { resource.name == "session" };
"#,
    );
    let mut written = 5;
    for (resource, table) in RESOURCES.iter().flat_map(|name| TABLES.map(|table| (name, table))) {
        statement(
            &mut text,
            written,
            &format!(
                r#"permit (principal in Team::"bench", action in [Action::"read", Action::"write", Action::"export"], resource == Object::"{resource}/public.{table}");"#
            ),
        );
        written += 1;
    }
    for number in written..count {
        statement(&mut text, number, &another(number));
    }
    text
}

fn statement(text: &mut String, number: usize, body: &str) {
    let reason = if body.starts_with("forbid") { r#" @reason("the rules of the house")"# } else { "" };
    // Writing to a string can't fail.
    let _written = writeln!(text, "\n@id(\"rule-{number}\"){reason}\n{body}");
}

/// A rule that decides nothing here.
fn another(number: usize) -> String {
    match number % 20 {
        // Nine in twenty: what other teams may do elsewhere.
        0..=8 => format!(
            r#"permit (principal in Team::"team-{}", action in [Action::"read", Action::"write"], resource in Resource::"database-{number}");"#,
            number % 37
        ),
        // Six in twenty: what nobody may do to one table elsewhere.
        9..=14 => format!(
            r#"forbid (principal, action in [Action::"write", Action::"delete"], resource == Object::"database-{}/public.invoices_{number}");"#,
            number % 211
        ),
        // Two in twenty: other environments, with a condition.
        15 | 16 => format!(
            r#"forbid (principal, action == Action::"delete", resource in Env::"staging-{number}")
unless {{ context.numbers.hasTag("limit") && context.numbers.getTag("limit") <= {number} }};"#
        ),
        // Two in twenty: other verbs on this very database.
        17 | 18 => format!(
            r#"forbid (principal, action == Action::"schema", resource == Object::"plain/public.archive_{number}");"#
        ),
        // One in twenty: reading here, for somebody else. It has to be evaluated each time.
        _ => format!(
            r#"forbid (principal, action == Action::"read", resource in Env::"prod")
when {{ principal.name == "agent-{number}" }};"#
        ),
    }
}
