//! What is known about a text after it was classified?

use std::collections::BTreeSet;
use std::ops::Range;

use countersign_core::Effect;

/// The verdict on one text, which may hold several statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified {
    /// One for each statement, in order. A text without any statement has one of kind [`StatementKind::Empty`].
    pub statements: Vec<Statement>,
    /// The union over all statements. Never empty; what could not be resolved is `unknown`.
    pub effects: BTreeSet<Effect>,
    /// The verdict looked at a literal. It must not be cached under [`crate::normal_key`].
    pub used_constant: bool,
    /// Why the text could not be judged, or may not be allowed without people.
    pub problem: Option<Problem>,
    /// The client encoding that it sets, when its text says so and it is another one than UTF-8. Texts are judged as
    /// UTF-8, so the caller refuses it. A value that is computed is not seen here.
    pub encoding: Option<String>,
}

impl Classified {
    /// Whether every effect is a `read`.
    pub fn reads_only(&self) -> bool {
        self.problem.is_none() && reads_only(&self.effects)
    }

    /// Whether facts that were loaded before may be wrong afterwards (objects, search path, role, temporary tables):
    /// the caller reloads its [`crate::Catalog`] and asks the server for the session's settings.
    pub fn changes_meaning(&self) -> bool {
        self.problem.is_some() || self.statements.iter().any(|statement| changes_meaning(&statement.effects))
    }
}

/// Whether every effect is a `read`.
pub(crate) fn reads_only(effects: &BTreeSet<Effect>) -> bool {
    use countersign_core::Verb;
    effects.iter().all(|effect| effect.verb == Verb::Read)
}

/// Whether a statement with these effects can change what a later text means.
pub(crate) fn changes_meaning(effects: &BTreeSet<Effect>) -> bool {
    use countersign_core::Verb;
    effects
        .iter()
        .any(|effect| matches!(effect.verb, Verb::Schema | Verb::Privilege | Verb::Execute | Verb::Unknown))
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it is.
    pub kind: StatementKind,
    /// Where it stands in the text, in bytes.
    pub span: Range<usize>,
    /// The words that the server's command tag would begin with, for example `DELETE`.
    pub tag: &'static str,
    /// What it would do. Never empty.
    pub effects: BTreeSet<Effect>,
    /// Every relation that it uses, in the order of their first use; also those behind views.
    pub relations: Vec<RelationUse>,
    /// Every effect is a `read`.
    pub reads_only: bool,
    /// The server answers with rows (a `RowDescription`).
    pub returns_rows: bool,
    /// The one table that an INSERT, UPDATE, DELETE, MERGE or TRUNCATE at the top of the statement names.
    pub dml_target: Option<DmlTarget>,
    /// A function gives another value each time: the same statement may find other rows.
    pub(crate) varies: bool,
}

/// The kinds of statements that a proxy treats differently.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words are the statements' own")]
pub enum StatementKind {
    Select,
    Insert,
    Update,
    Delete,
    Merge,
    Truncate,
    /// COPY; `program` and `file` name the server's side, both empty mean the client's connection.
    Copy {
        from: bool,
        program: bool,
        file: bool,
    },
    Begin,
    Commit,
    Rollback,
    Savepoint {
        name: String,
    },
    Release {
        name: String,
    },
    RollbackTo {
        name: String,
    },
    /// PREPARE TRANSACTION, COMMIT PREPARED, ROLLBACK PREPARED.
    TwoPhase,
    Set {
        name: String,
        local: bool,
    },
    /// RESET; `None` is RESET ALL.
    Reset {
        name: Option<String>,
    },
    Show {
        name: String,
    },
    Prepare {
        name: String,
    },
    /// EXECUTE of a statement prepared by SQL. Its effect is `unknown prepared:NAME`, in place of which the caller puts
    /// the effects that it noted at PREPARE.
    Execute {
        name: String,
    },
    /// DEALLOCATE; `None` is ALL.
    Deallocate {
        name: Option<String>,
    },
    DiscardAll,
    Discard,
    DeclareCursor {
        name: String,
    },
    Fetch {
        name: String,
    },
    /// CLOSE; `None` is ALL.
    CloseCursor {
        name: Option<String>,
    },
    Explain {
        analyze: bool,
    },
    Ddl,
    Grant,
    Do,
    Call,
    Listen,
    Unlisten,
    Notify,
    Lock,
    Vacuum,
    Empty,
    Other,
}

/// One relation and what is done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationUse {
    /// The schema.
    pub schema: String,
    /// The name.
    pub name: String,
    /// Its oid in the catalog.
    pub oid: u32,
    /// Rows are read.
    pub read: bool,
    /// Rows are inserted, changed or locked.
    pub written: bool,
    /// Rows are deleted.
    pub deleted: bool,
    /// The view through which it is reached, as `schema.name`.
    pub via_view: Option<String>,
}

/// What stands behind INSERT INTO, UPDATE, DELETE FROM, MERGE INTO or TRUNCATE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DmlTarget {
    /// The schema.
    pub schema: String,
    /// The table's name.
    pub name: String,
    /// Its oid in the catalog.
    pub oid: u32,
    /// There is a WHERE.
    pub filtered: bool,
    /// There is a RETURNING.
    pub returning: bool,
}

/// Why a text may not be allowed without people, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text is longer than [`crate::MAX_TEXT`].
    #[error("the text has {bytes} bytes; at most {} are judged", crate::MAX_TEXT)]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The text is longer than [`crate::MAX_UNATTENDED`]: its effects are known, but people have to look.
    #[error("the text has {bytes} bytes; above {} people have to look", crate::MAX_UNATTENDED)]
    Large {
        /// Its length.
        bytes: usize,
    },
    /// The text nests deeper than [`crate::MAX_DEPTH`].
    #[error("the text nests deeper than {} levels", crate::MAX_DEPTH)]
    TooDeep,
    /// PostgreSQL's grammar does not accept it.
    #[error("not a PostgreSQL statement: {message}")]
    NotParsable {
        /// The parser's words.
        message: String,
    },
    /// There is a NUL byte.
    #[error("the text holds a NUL byte")]
    NulByte,
    /// The session's strings aren't standard: two parsers would disagree.
    #[error("`standard_conforming_strings` is off in this session")]
    NonstandardStrings,
    /// More effects than a person could judge.
    #[error("the text has {count} effects; at most {} are judged", countersign_core::Effects::MAX)]
    TooManyEffects {
        /// How many.
        count: usize,
    },
}

impl Problem {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "sql_too_large",
            Self::Large { .. } => "sql_large",
            Self::TooDeep => "sql_too_deep",
            Self::NotParsable { .. } => "sql_not_parsable",
            Self::NulByte => "sql_nul_byte",
            Self::NonstandardStrings => "sql_nonstandard_strings",
            Self::TooManyEffects { .. } => "sql_too_many_effects",
        }
    }

    /// Whether the text can't be approved either and must be denied. A [`Problem::Large`] or
    /// [`Problem::NotParsable`] text can be shown to people.
    pub const fn denies(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::TooDeep | Self::NulByte | Self::TooManyEffects { .. })
    }
}
