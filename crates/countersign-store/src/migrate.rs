//! Is the schema the one this binary knows? Numbered migrations, each in one transaction with its number.

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;
use crate::sealing::Seals;

const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_gate.sql"),
    include_str!("migrations/0002_identity.sql"),
    include_str!("migrations/0003_journal.sql"),
    include_str!("migrations/0004_log.sql"),
    include_str!("migrations/0005_passed.sql"),
    include_str!("migrations/0006_workloads.sql"),
    include_str!("migrations/0007_sealed.sql"),
    include_str!("migrations/0008_policies.sql"),
    include_str!("migrations/0009_audit.sql"),
    include_str!("migrations/0010_exports.sql"),
    include_str!("migrations/0011_witness.sql"),
];

/// Applies what is missing.
pub(crate) fn up(connection: &mut Connection, seals: &Seals) -> Result<(), StoreError> {
    seals.teach_sealing(connection)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    // Another process may be migrating the same file: look again inside the transaction.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests;
