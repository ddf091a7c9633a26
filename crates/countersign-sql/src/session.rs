//! What of a session changes the meaning of a text?

/// Facts of one session. The gateway pins most of them; what it can't pin, it reports here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The schemas as set, in order; `"$user"` must have been replaced by the caller.
    pub search_path: Vec<String>,
    /// The role that statements run as.
    pub user: String,
    /// The server's setting. When it is off, our lexer and the server's differ: everything is `unknown`.
    pub standard_conforming_strings: bool,
    /// Whether a temporary object may exist in this session. It would hide tables and types of the same name, so
    /// that every name without a schema is `unknown`.
    pub temp_shadowing: bool,
}

impl Session {
    /// A fresh session of `user` with PostgreSQL's defaults: path `user, public`, standard strings, nothing
    /// temporary.
    pub fn new(user: &str) -> Self {
        Self {
            search_path: vec![user.to_owned(), "public".to_owned()],
            user: user.to_owned(),
            standard_conforming_strings: true,
            temp_shadowing: false,
        }
    }

    /// The schemas in the order in which the server looks: `pg_catalog` comes first unless it is listed.
    pub(crate) fn path(&self) -> Vec<&str> {
        let implicit = !self.search_path.iter().any(|schema| schema == "pg_catalog");
        implicit
            .then_some("pg_catalog")
            .into_iter()
            .chain(self.search_path.iter().map(String::as_str))
            .collect()
    }
}
