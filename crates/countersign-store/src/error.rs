//! Why could the store not do it?

use std::path::PathBuf;

/// What went wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder can't be made.
    #[error("can't make the folder `{}`", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file can't be opened.
    #[error("can't open the store `{}`", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file was made by a newer version.
    #[error("the store has schema {found}, this version knows up to {known}; use the newer version")]
    TooNew {
        /// In the file.
        found: i64,
        /// In this binary.
        known: i64,
    },
    /// A copy would overwrite it.
    #[error("`{}` is there already, and nothing is overwritten; name another folder, or move it away", .0.display())]
    InTheWay(PathBuf),
    /// A statement failed.
    #[error("the store refused a statement")]
    Sql(#[from] rusqlite::Error),
    /// The disk failed, or a test made it fail.
    #[error("the store can't write at `{point}`")]
    Write {
        /// Where.
        point: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// Content can't be sealed or opened.
    #[error("content beside the ledger can't be sealed or read")]
    Seal(#[from] crate::SealError),
    /// Another content key sealed what is in the store.
    #[error(
        "the content key is not the one that sealed this store; put the right key back (`content_key` of `[ledger]` \
         says where it is read from), nothing can be read without it"
    )]
    OtherContentKey,
    /// A ledger entry has no bytes.
    #[error("a ledger entry can't be encoded")]
    Entry(#[from] countersign_ledger::EncodeError),
    /// A stored row does not hold what it should.
    #[error("the stored {what} `{id}` can't be read back")]
    Corrupt {
        /// Kind of row.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// The ledger's tree and its entries don't belong together.
    #[error("the ledger was changed from outside or is damaged: {0}")]
    Tree(String),
    /// The ledger is not the one whose checkpoint left the house.
    #[error(
        "the ledger {why}; if an older copy was put back on purpose, move `{}` away, and expect that whoever has \
         seen the newer ledger will say so",
        checkpoint.display()
    )]
    RolledBack {
        /// What is wrong with it.
        why: String,
        /// The copy of the published checkpoint.
        checkpoint: PathBuf,
    },
    /// What was committed has no signed checkpoint over it.
    #[error("the ledger's checkpoint can't be signed")]
    Unsigned,
    /// A value can't be written as JSON.
    #[error("a value can't be stored as JSON")]
    Json(#[from] serde_json::Error),
    /// The writer has stopped, after an earlier error or because the store is closing.
    #[error("the store is closed")]
    Closed,
    /// The group commit that held this write failed as a whole.
    #[error("the transaction was not committed: {0}")]
    NotCommitted(String),
}
