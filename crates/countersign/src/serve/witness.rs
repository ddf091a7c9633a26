//! How does the gate reach the ledger's witnesses? Each at its URL.

use std::pin::Pin;
use std::sync::Arc;

use countersign_gate::{AskError, Witness, WitnessAnswer};
use countersign_ledger::note::VerifierKey;
use countersign_witness::Remote;

use crate::config::WitnessAt;

struct RemoteWitness {
    key: VerifierKey,
    remote: Remote,
}

impl Witness for RemoteWitness {
    fn key(&self) -> &VerifierKey {
        &self.key
    }

    fn ask(
        &self,
        request: String,
    ) -> Pin<Box<dyn Future<Output = Result<WitnessAnswer, AskError>> + Send + '_>> {
        Box::pin(async move {
            let (status, body) = self.remote.ask(request).await?;
            Ok(WitnessAnswer { status, body })
        })
    }
}

/// Those that the configuration names.
pub(super) fn all(configured: &[WitnessAt]) -> Vec<Arc<dyn Witness>> {
    let remote = |witness: &WitnessAt| -> Arc<dyn Witness> {
        Arc::new(RemoteWitness { key: witness.key.clone(), remote: Remote::new(&witness.url) })
    };
    configured.iter().map(remote).collect()
}
