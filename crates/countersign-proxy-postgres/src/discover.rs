//! What is in a database that somebody wants to protect? Looked at once, before any gateway stands in front of it:
//! schemas, tables, columns, whatever runs code there, and how many values look like something personal or secret.
//!
//! Nothing is changed: everything is asked in read-only transactions, with short timeouts, with the catalog alone on
//! the search path and with row security off, so that no policy's function of somebody else runs. Values are looked at
//! in memory and forgotten: what leaves this module are names and counts.

mod catalog;
mod sample;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::pin;

use crate::control::{self, Answer, AskError};
use crate::login::upstream::{UpstreamAddress, UpstreamLoginError, connect};
use crate::wire::Wire;

/// The oldest server that is understood, as `server_version_num`.
const OLDEST: u32 = 120_000;

/// Names and counts of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// `server_version_num`, for example 150004.
    pub version: u32,
    /// Whether the connection that looked was encrypted.
    pub encrypted: bool,
    /// Who looked.
    pub role: Role,
    /// All schemas but PostgreSQL's own, by name.
    pub schemas: Vec<Schema>,
    /// Tables and views that belong to no extension; partitions are part of their parent.
    pub tables: Vec<Table>,
    /// Functions that can do more than whoever calls them: `SECURITY DEFINER`, or in an untrusted language.
    pub functions: Vec<Function>,
    /// Enabled triggers and rules, which run code when others write.
    pub triggers: Vec<Trigger>,
    /// Installed extensions, by name.
    pub extensions: Vec<String>,
    /// Untrusted languages beside PostgreSQL's own: their functions act as the server's operating system user.
    pub untrusted_languages: Vec<String>,
    /// Foreign servers that statements can reach, by name.
    pub foreign_servers: Vec<String>,
}

/// The role that looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Whether nothing is forbidden to it.
    pub superuser: bool,
    /// Whether it may make roles.
    pub makes_roles: bool,
    /// Whether row security is no bound for it.
    pub bypasses_row_security: bool,
    /// Whether it may run programs or read and write files on the server.
    pub reaches_the_server: bool,
}

/// A schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Its name.
    pub name: String,
    /// Whether everybody (`PUBLIC`) may create objects in it.
    pub everybody_creates: bool,
}

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// An ordinary table.
    Table,
    /// A table with partitions.
    Partitioned,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A table of a foreign server.
    Foreign,
}

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its schema's name.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// The role that owns it.
    pub owner: String,
    /// The server's estimate; none when it has not counted yet, and for views and foreign tables.
    pub rows: Option<u64>,
    /// Whether row security is on.
    pub row_security: bool,
    /// In their order.
    pub columns: Vec<Column>,
    /// Whether values were looked at.
    pub sampling: Sampling,
}

/// Whether the values of a table were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// Nobody asked, or there is nothing in it to look at: no text, or a view.
    Skipped,
    /// So many rows.
    Looked(u64),
    /// The server refused: no privilege, row security, or it took too long. Its words are not kept, because they may
    /// quote a value.
    Refused,
    /// Time, or the number of tables, was over before.
    NotReached,
}

/// What a column's type is like, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Text of any length.
    Text,
    /// JSON or XML.
    Document,
    /// A number.
    Number,
    /// A date or time.
    Time,
    /// True or false.
    Boolean,
    /// An address of a network.
    Network,
    /// Anything else: UUIDs, bytes, enums, arrays, composites.
    Other,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as SQL writes it.
    pub type_name: String,
    /// What that is like; a domain is like its base type.
    pub family: Family,
    /// How many values that were not NULL were looked at.
    pub values: u64,
    /// What some of them looked like, most often first.
    pub looks: Vec<Look>,
    /// Whether the role may read it, and whether its values can be searched.
    readable: bool,
}

impl Column {
    /// A column at whose values nobody has looked yet.
    pub fn new(name: &str, type_name: &str, family: Family) -> Self {
        let (name, type_name) = (name.to_owned(), type_name.to_owned());
        Self { name, type_name, family, values: 0, looks: Vec::new(), readable: true }
    }
}

/// How many values looked like one kind of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The detector, by the name that policies use: `email`.
    pub kind: &'static str,
    /// Whether it speaks of people; the others are secrets of machines.
    pub personal: bool,
    /// Whether more than the shape was checked, so that one value already means something.
    pub sure: bool,
    /// How many values.
    pub values: u64,
}

/// A function that can do more than its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its schema's name.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its arguments, as `DROP FUNCTION` takes them.
    pub arguments: String,
    /// Its language.
    pub language: String,
    /// Whether the language is untrusted.
    pub untrusted: bool,
    /// Whether it runs with its owner's rights.
    pub security_definer: bool,
    /// Whether its own `search_path` is fixed; a `SECURITY DEFINER` function without can be turned against its owner.
    pub fixes_search_path: bool,
    /// Whether its owner is a superuser.
    pub of_superuser: bool,
    /// Whether everybody (`PUBLIC`) may call it.
    pub everybody_executes: bool,
}

/// Code that runs when somebody else writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// `schema.table`; none for an event trigger.
    pub table: Option<(String, String)>,
    /// Its name.
    pub name: String,
    /// The function that it calls; none for a rule.
    pub function: Option<(String, String)>,
    /// Whether that function runs with its owner's rights.
    pub security_definer: bool,
}

/// Why nothing can be said about the database.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// Connecting or logging in failed.
    #[error(transparent)]
    Login(#[from] UpstreamLoginError),
    /// The time was over before the catalog had been read.
    #[error("the server took too long to describe its catalog")]
    TooSlow,
    /// The server refused a question about its catalog, or broke off.
    #[error("reading the catalog")]
    Ask(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What answered is no PostgreSQL that we know.
    #[error("understanding the catalog")]
    Understand(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Versions before 12 are not understood.
    #[error("the server is of version {}; 12 and newer are understood", .0 / 10_000)]
    TooOld(u32),
}

impl From<AskError> for DiscoverError {
    fn from(error: AskError) -> Self {
        Self::Ask(error.into())
    }
}

/// Looks at the database. With `values`, up to 200 rows of up to 500 tables are searched for personal data and secrets.
///
/// When `deadline` ends, what is known by then is told; tables whose values were not reached say so.
///
/// # Errors
/// [`DiscoverError`]; nothing was changed in any case.
pub async fn look(
    address: &UpstreamAddress,
    values: bool,
    deadline: impl Future<Output = ()>,
) -> Result<Database, DiscoverError> {
    let mut deadline = pin!(deadline);
    let upstream = connect(address, &encoding(), deadline.as_mut()).await?;
    let mut session = Session(upstream.wire);
    let read = async {
        let encrypted = session.0.is_encrypted();
        catalog::read(&mut session, encrypted).await
    };
    let mut database = tokio::select! {
        biased;
        database = read => database?,
        () = deadline.as_mut() => return Err(DiscoverError::TooSlow),
    };
    if values {
        sample::search(&mut session, &mut database.tables, deadline).await;
    }
    Ok(database)
}

/// Poolers refuse other settings at the start; everything else is set in each transaction.
fn encoding() -> [(String, String); 1] {
    [("client_encoding".to_owned(), "UTF8".to_owned())]
}

/// A connection that only reads.
struct Session(Wire);

impl Session {
    /// The rows of one question. `timeout` is the server's, in milliseconds.
    async fn ask(&mut self, question: &str, timeout: u32, limit: usize) -> Result<Answer, AskError> {
        let text = format!(
            "BEGIN READ ONLY; \
             SET LOCAL search_path = pg_catalog; SET LOCAL row_security = off; SET LOCAL lock_timeout = 2000; \
             SET LOCAL statement_timeout = {timeout}; SET LOCAL DateStyle = ISO; \
             {question}; \
             COMMIT"
        );
        let answer = control::ask(&mut self.0, &text, limit).await;
        if matches!(answer, Err(AskError::Refused(_))) {
            control::ask(&mut self.0, "ROLLBACK", limit).await?;
        }
        answer
    }
}

/// An identifier, in quotes whatever it holds.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
