//! What was asked? One decoded operation, immutable, bound to the exact bytes by a digest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::DigestWriter;
use crate::{ActionId, Digest, Effects, Link, LinkKind, Preview, Principal, Resource, Standing, Timestamp};

/// A leaf of the arguments, as policies see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// A JSON boolean.
    Bool(bool),
    /// A whole number that fits 64 bits.
    Integer(i64),
    /// Text, and every number that isn't a 64-bit whole number, as it was written.
    Text(String),
}

/// The arguments flattened to paths, for example `filter.id` or `ids.0`, for policies to look at.
pub type Arguments = BTreeMap<String, Scalar>;

/// What a proxy decoded, before it is bound to a policy version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it would act on.
    pub resource: Resource,
    /// Who asks.
    pub principal: Principal,
    /// The operation in the protocol's words, for example `tools/call delete_rows`.
    pub operation: String,
    /// Everything that it would do.
    pub effects: Effects,
    /// The exact bytes received; these are what is forwarded.
    pub payload: Vec<u8>,
    /// The payload without what differs between two sendings of the same request (message ids, trace context).
    /// Two drafts of one principal and resource with equal `sameness` are the same request.
    pub sameness: Digest,
    /// Flattened arguments for policy.
    pub arguments: Arguments,
    /// Facts that an approval depends on beside the bytes, such as the hash of the tool's definition.
    pub facts: BTreeMap<String, String>,
    /// What it would touch, worked out for those who decide.
    pub preview: Option<Preview>,
    /// What the caller says about why. Never trusted, always shown as the caller's claim.
    pub claim: Option<String>,
}

/// One decoded operation, immutable. Its digest covers the bytes, the resource, the requester chain, the facts
/// and the policy version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    id: ActionId,
    resource: Resource,
    principal: Principal,
    operation: String,
    effects: Effects,
    arguments: Arguments,
    facts: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preview: Option<Preview>,
    claim: Option<String>,
    policy: Digest,
    received_at: Timestamp,
    digest: Digest,
    attach_key: Digest,
    #[serde(skip)]
    payload: Vec<u8>,
}

impl Action {
    /// Binds a draft to the policy bundle that judges it.
    pub fn bind(draft: Draft, policy: Digest, id: ActionId, received_at: Timestamp) -> Self {
        let digest = Covered {
            payload: &draft.payload,
            resource: &draft.resource,
            principal: &draft.principal,
            operation: &draft.operation,
            effects: &draft.effects,
            facts: &draft.facts,
            preview: draft.preview.as_ref(),
            policy,
        }
        .digest();
        let attach_key = attach_key_of(&draft);
        Self {
            id,
            resource: draft.resource,
            principal: draft.principal,
            operation: draft.operation,
            effects: draft.effects,
            arguments: draft.arguments,
            facts: draft.facts,
            preview: draft.preview,
            claim: draft.claim,
            policy,
            received_at,
            digest,
            attach_key,
            payload: draft.payload,
        }
    }

    /// Puts back the payload, which is stored beside the action. Whoever relies on it compares
    /// [`Action::recomputed`] with [`Action::digest`].
    pub fn put_payload(&mut self, payload: Vec<u8>) {
        self.payload = payload;
    }

    /// The digest computed anew from the fields, to compare with [`Action::digest`].
    pub fn recomputed(&self) -> Digest {
        Covered {
            payload: &self.payload,
            resource: &self.resource,
            principal: &self.principal,
            operation: &self.operation,
            effects: &self.effects,
            facts: &self.facts,
            preview: self.preview.as_ref(),
            policy: self.policy,
        }
        .digest()
    }

    /// This action's id.
    pub fn id(&self) -> ActionId {
        self.id
    }

    /// What it would act on.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// Who asks.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The operation in the protocol's words.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Everything that it would do.
    pub fn effects(&self) -> &Effects {
        &self.effects
    }

    /// Flattened arguments.
    pub fn arguments(&self) -> &Arguments {
        &self.arguments
    }

    /// Facts that an approval depends on beside the bytes.
    pub fn facts(&self) -> &BTreeMap<String, String> {
        &self.facts
    }

    /// What it would touch, as people saw it.
    pub fn preview(&self) -> Option<&Preview> {
        self.preview.as_ref()
    }

    /// What the caller says about why.
    pub fn claim(&self) -> Option<&str> {
        self.claim.as_deref()
    }

    /// The hash of the policy bundle under which it was first judged.
    pub fn policy(&self) -> Digest {
        self.policy
    }

    /// When it arrived.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// Covers the exact bytes, the resource, the requester chain, the facts and the policy version.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Equal for the same request of the same principal, however often it is sent.
    pub fn attach_key(&self) -> Digest {
        self.attach_key
    }

    /// The exact bytes received.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// Everything that an approval depends on.
struct Covered<'a> {
    payload: &'a [u8],
    resource: &'a Resource,
    principal: &'a Principal,
    operation: &'a str,
    effects: &'a Effects,
    facts: &'a BTreeMap<String, String>,
    preview: Option<&'a Preview>,
    policy: Digest,
}

impl Covered<'_> {
    /// A named mark before each list of any length, so that one can't run into the next.
    fn digest(&self) -> Digest {
        let mut writer = DigestWriter::new("countersign/action-digest/v1")
            .part(self.payload)
            .part(self.resource.name.as_bytes())
            .part(self.resource.protocol.as_bytes())
            .part(self.operation.as_bytes())
            .part(self.policy.as_bytes())
            .part(b"labels");
        for (key, value) in &self.resource.labels {
            writer = writer.part(key.as_bytes()).part(value.as_bytes());
        }
        writer = writer.part(b"effects");
        for effect in self.effects.iter() {
            writer = writer.part(effect.verb.word().as_bytes()).part(effect.object.as_bytes());
        }
        writer = writer.part(b"facts");
        for (name, value) in self.facts {
            writer = writer.part(name.as_bytes()).part(value.as_bytes());
        }
        if let Some(preview) = self.preview {
            writer = writer.part(b"preview").part(preview.digest().as_bytes());
        }
        self.principal.write(writer.part(b"principal")).finish()
    }
}

/// What the caller claims may change between two sendings: were claimed persons part of the key, an agent could ask
/// again after a denial by naming somebody else.
fn attach_key_of(draft: &Draft) -> Digest {
    let mut writer = DigestWriter::new("countersign/attach/v1")
        .part(draft.sameness.as_bytes())
        .part(draft.resource.name.as_bytes())
        .part(draft.operation.as_bytes())
        .part(draft.principal.agent.as_bytes());
    for person in draft.principal.verified_requesters() {
        writer = writer.part(person.as_bytes());
    }
    // What was approved for one pipeline run is not for the next, which somebody else may have started.
    let pipeline = |link: &&Link| matches!(link.kind, LinkKind::Pipeline | LinkKind::PipelineActor);
    let links = draft.principal.links.iter().filter(pipeline);
    for link in links.filter(|link| link.standing == Standing::Verified) {
        writer = writer.part(link.kind.word().as_bytes()).part(link.name.as_bytes());
    }
    writer.finish()
}

#[cfg(test)]
mod tests;
