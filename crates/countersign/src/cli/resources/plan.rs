//! What is suggested for one database? Everything that the written files are made of.

use countersign_proxy_postgres::discover::Database;

use super::address::Address;
use super::advice::Sensitive;

/// What the files are made of.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) address: Address,
    pub(super) database: Database,
    pub(super) columns: Vec<Sensitive>,
    pub(super) warnings: Vec<String>,
    /// The resource's name.
    pub(super) name: String,
    /// None when nobody said.
    pub(super) env: Option<String>,
    pub(super) team: String,
    pub(super) reviewers: String,
}

/// PostgreSQL cuts longer names.
const ROLE_MAX_BYTES: usize = 63;
const PREVIEW: &str = "_preview";

impl Plan {
    /// The gateway's own role.
    pub(super) fn role(&self) -> String {
        let name = self.name.to_ascii_lowercase().replace(['-', '.'], "_");
        let mut role = format!("countersign_{name}");
        role.truncate(ROLE_MAX_BYTES.saturating_sub(PREVIEW.len()));
        role
    }

    /// The role for previews, which only reads.
    pub(super) fn preview_role(&self) -> String {
        self.role() + PREVIEW
    }

    /// The variable with the password of [`Plan::role`].
    pub(super) fn password_variable(&self) -> String {
        self.variable("PASSWORD")
    }

    /// The variable with the password of [`Plan::preview_role`].
    pub(super) fn preview_password_variable(&self) -> String {
        self.variable("PREVIEW_PASSWORD")
    }

    fn variable(&self, what: &str) -> String {
        format!("COUNTERSIGN_{}_{what}", self.name.to_ascii_uppercase().replace(['-', '.'], "_"))
    }

    /// Schemas with something in them, and all when none has.
    pub(super) fn schemas(&self) -> Vec<&str> {
        let used = |name: &str| self.database.tables.iter().any(|table| table.schema == name);
        let all: Vec<&str> = self.database.schemas.iter().map(|schema| schema.name.as_str()).collect();
        let with_tables: Vec<&str> = all.iter().copied().filter(|name| used(name)).collect();
        if with_tables.is_empty() { all } else { with_tables }
    }

    pub(super) fn has_personal_data(&self) -> bool {
        !self.columns.is_empty()
    }

    pub(super) fn policy_file(&self) -> String {
        format!("policies/{}.cedar", self.name)
    }

    pub(super) fn role_file(&self) -> String {
        format!("{}-role.sql", self.name)
    }

    /// The database for people, on one line.
    pub(super) fn shown(&self) -> String {
        format!(
            "the database `{}` at {}",
            countersign_console::visible_line(&self.database.name),
            self.address.place()
        )
    }
}

/// A resource's name made from a database's: what can't stand in one becomes `-`.
pub(super) fn resource_name(database: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = database.chars().map(|c| if plain(c) { c } else { '-' }).take(NAME_MAX).collect();
    if name.chars().all(|c| matches!(c, '-' | '.')) { "database".to_owned() } else { name }
}

/// Bytes of a resource's name.
const NAME_MAX: usize = 64;

/// Whether a resource can have this name; it is part of a file's name as well.
pub(super) fn is_resource_name(name: &str) -> bool {
    name == resource_name(name) && !name.starts_with('.')
}
