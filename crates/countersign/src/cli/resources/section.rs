//! How is the database described in `countersign.toml`?

use std::fmt::Write as _;
use std::path::Path;

use countersign_console::visible_line;
use countersign_proxy_postgres::tls::TlsMode;

use super::plan::Plan;

/// The whole file.
pub(super) fn text(plan: &Plan) -> String {
    let mut text = format!(
        "# Suggested by `countersign resources discover` for {}.\n\
         # Read it, fill in what is marked, then run `countersign check`. Every key is explained in docs/OPERATIONS.md.\n\
         # In a configuration of your own, add the policy file to `[policy] files` and copy the `[[resources]]` section.\n\
         \n[policy]\nfiles = [{}]\n\n[[resources]]\nname = {}\nprotocol = \"postgres\"\n",
        plan.shown(),
        quoted(&plan.policy_file()),
        quoted(&plan.name),
    );
    text.push_str(&labels(plan));
    text.push_str(&upstream(plan));
    text.push_str(&columns(plan));
    text
}

fn labels(plan: &Plan) -> String {
    let mut text = String::new();
    let env = plan.env.as_deref().unwrap_or_else(|| {
        text.push_str(
            "# FILL IN `env`: prod, staging, dev, … It is taken as prod until you say otherwise, because the rules for\n\
             # prod are the strictest.\n",
        );
        "prod"
    });
    let pii = if plan.has_personal_data() { ", pii = \"yes\"" } else { "" };
    // Infallible: the target is a String.
    let _written = writeln!(text, "labels = {{ env = {}{pii} }}", quoted(env));
    text
}

fn upstream(plan: &Plan) -> String {
    let address = &plan.address;
    let mut text = format!(
        "# The gateway's own roles; {} makes them. Agents never see these passwords: they are read from the environment.\n",
        plan.role_file()
    );
    // With `prefer` anybody on the way could have the encryption left out.
    let tls = match address.tls {
        TlsMode::Prefer if plan.database.encrypted => TlsMode::Require,
        mode => mode,
    };
    if !matches!(tls, TlsMode::VerifyFull) {
        text.push_str(
            "# Better: tls = \"verify-full\" with roots = \"ca.pem\", so that nobody can stand between gateway and database.\n",
        );
    }
    let mut keys = vec![
        ("host", quoted(&address.host)),
        ("port", address.port.to_string()),
        ("database", quoted(&plan.database.name)),
        ("user", quoted(&plan.role())),
        ("password", quoted(&format!("env:{}", plan.password_variable()))),
        ("tls", quoted(tls.word())),
    ];
    let files = [("roots", &address.roots), ("certificate", &address.certificate), ("key", &address.key)];
    for (key, path) in files {
        keys.extend(path.as_deref().map(|path| (key, quoted(&absolute(path)))));
    }
    text.push_str("[resources.upstream]\n");
    for (key, value) in keys {
        let _written = writeln!(text, "{key} = {value}");
    }
    let _written = write!(
        text,
        "\n# What an action would touch is worked out by a role that can't write.\n\
         [resources.preview]\nuser = {}\npassword = {}\n",
        quoted(&plan.preview_role()),
        quoted(&format!("env:{}", plan.preview_password_variable()))
    );
    text
}

/// Paths in a configuration are relative to its folder, those on the command line to where it was typed.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_error| path.to_owned()).display().to_string()
}

/// As comments: which columns need care, and why.
fn columns(plan: &Plan) -> String {
    if plan.columns.is_empty() {
        return "\n# No column looks personal, by its name or by the values that were looked at.\n"
            .to_owned();
    }
    let mut text =
        format!("\n# What looks personal or secret, and why. {} masks these columns:\n", plan.policy_file());
    for column in &plan.columns {
        let _written = writeln!(
            text,
            "#   {} ({}), {}: {}",
            column.shown(),
            visible_line(&column.type_name),
            column.verdict.word(),
            visible_line(&column.reasons.join("; "))
        );
    }
    text
}

/// A basic string of TOML 1.0.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _written = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
