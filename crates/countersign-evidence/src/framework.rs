//! Which controls does a pack produce evidence for, and where in it does that stand? Never more than that: whether a
//! control is met is the auditor's to say.
//!
//! Controls are those of the AICPA Trust Services Criteria (2017, with the points of focus of 2022), NIST SP 800-53
//! revision 5 in FedRAMP's baselines, and Regulation (EU) 2016/679.

use std::fmt;
use std::str::FromStr;

/// A set of controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framework {
    /// SOC 2, common criteria.
    Soc2,
    /// FedRAMP revision 5, moderate baseline.
    FedrampModerate,
    /// FedRAMP revision 5, high baseline.
    FedrampHigh,
    /// The General Data Protection Regulation.
    Gdpr,
}

/// A control, and what the pack has about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// Its number, for example `CC8.1`.
    pub id: &'static str,
    /// What it asks, in short.
    pub asks: &'static str,
    /// What is in the pack, and where.
    pub evidence: &'static str,
}

/// It is none of the frameworks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of soc2, fedramp-moderate, fedramp-high, gdpr")]
pub struct UnknownFramework(String);

impl Framework {
    /// Every framework.
    pub const ALL: [Self; 4] = [Self::Soc2, Self::FedrampModerate, Self::FedrampHigh, Self::Gdpr];

    /// The word on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Soc2 => "soc2",
            Self::FedrampModerate => "fedramp-moderate",
            Self::FedrampHigh => "fedramp-high",
            Self::Gdpr => "gdpr",
        }
    }

    /// The name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Soc2 => "SOC 2 (Trust Services Criteria)",
            Self::FedrampModerate => "FedRAMP Rev. 5, moderate",
            Self::FedrampHigh => "FedRAMP Rev. 5, high",
            Self::Gdpr => "GDPR",
        }
    }

    /// Its controls, in their order.
    pub fn controls(self) -> Vec<Control> {
        match self {
            Self::Soc2 => SOC2.to_vec(),
            Self::FedrampModerate => FEDRAMP.to_vec(),
            Self::FedrampHigh => FEDRAMP.iter().chain(FEDRAMP_HIGH).copied().collect(),
            Self::Gdpr => GDPR.to_vec(),
        }
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Framework {
    type Err = UnknownFramework;

    fn from_str(text: &str) -> Result<Self, UnknownFramework> {
        let found = Self::ALL.into_iter().find(|framework| framework.word() == text);
        found.ok_or_else(|| UnknownFramework(text.to_owned()))
    }
}

const fn control(id: &'static str, asks: &'static str, evidence: &'static str) -> Control {
    Control { id, asks, evidence }
}

const SOC2: &[Control] = &[
    control(
        "CC4.1",
        "ongoing evaluations of whether controls work",
        "the population and its exceptions (report, summary.json), counted from records that anybody can count again",
    ),
    control(
        "CC6.1",
        "logical access is restricted to authorised users",
        "decisions of policy on every action (records.jsonl), the policies in force (policies/), identities of agents",
    ),
    control(
        "CC6.2",
        "users are registered, authorised and removed",
        "agent.added, agent.revoked, person.invited, person.removed and enrolments among the changes; rights.json",
    ),
    control(
        "CC6.3",
        "access follows roles, least privilege and segregation of duties",
        "receipts: no approver stands behind the request, and as many different people approved as had to; rights.json",
    ),
    control(
        "CC7.2",
        "anomalies are monitored",
        "exceptions: refused votes, denials, failures, unknown outcomes, silences",
    ),
    control(
        "CC7.3",
        "security events are evaluated",
        "every exception with its entry, and the receipt of its action",
    ),
    control(
        "CC8.1",
        "changes are authorised, tested, approved and implemented",
        "for each held action: request, approval, release and outcome in one receipt; policy.changed among the changes",
    ),
];

const FEDRAMP: &[Control] = &[
    control(
        "AC-5",
        "separation of duties",
        "receipts: no approver stands behind the request; refused votes among the exceptions",
    ),
    control(
        "AC-6",
        "least privilege, with (1), (2), (5), (7), (9) and (10)",
        "policies/ say what needs people; records.jsonl shows each privileged use; rights.json who holds which right",
    ),
    control(
        "AU-2",
        "event logging",
        "entries by type (summary.json); the closed list of types is in LEDGER.md",
    ),
    control(
        "AU-3",
        "content of audit records, with (1)",
        "leaves: what, when, where, by whom, outcome; content beside them as far as it is shown",
    ),
    control(
        "AU-5",
        "response to logging process failures",
        "no approved action runs unless its release is under a signed checkpoint: receipts of released actions",
    ),
    control(
        "AU-6",
        "review, analysis and reporting, with (1) and (3)",
        "the report, its exceptions, exports",
    ),
    control("AU-7", "reduction and report generation, with (1)", "this pack, for any period"),
    control(
        "AU-8",
        "time stamps",
        "RFC 3339 in UTC with microseconds; times of witnesses in the checkpoint, where there are",
    ),
    control(
        "AU-9",
        "protection of audit information, with (4)",
        "the Merkle log with its signed checkpoint (log/); audit.read and audit.exported entries",
    ),
    control(
        "AU-11",
        "retention",
        "the log from its first entry on; log.pruned entries where anything was given up",
    ),
    control(
        "AU-12",
        "record generation",
        "records.jsonl has every entry of the period without a gap in its indexes",
    ),
    control(
        "CM-3",
        "configuration change control, with (2)",
        "receipts of held changes; policy.changed entries",
    ),
    control(
        "CM-5",
        "access restrictions for change, with (1)",
        "who approved which change (receipts), and who may (rights.json)",
    ),
];

const FEDRAMP_HIGH: &[Control] = &[
    control(
        "AU-9(2)",
        "storage of records on separate systems",
        "the log served to mirrors; cosignatures of witnesses in the checkpoint, where there are",
    ),
    control("AU-9(3)", "cryptographic protection", "Ed25519 checkpoints, SHA-256 tree, AES-256-GCM content"),
    control(
        "AU-10",
        "non-repudiation, of approval among others",
        "receipts and statements: who approved what by which method, under a signed checkpoint; enrolments of passkeys",
    ),
    control("AU-12(1)", "system-wide, time-correlated trail", "one log of all resources in one order"),
];

const GDPR: &[Control] = &[
    control(
        "Art. 5(1)(c)",
        "data minimisation",
        "leaves hold no personal data; content is shown by name, and withheld values stay committed to",
    ),
    control("Art. 5(1)(e)", "storage limitation", "subject.erased and log.pruned entries"),
    control(
        "Art. 5(2)",
        "accountability",
        "records of who had which data accessed, changed or exported, on whose approval",
    ),
    control(
        "Art. 17",
        "erasure",
        "subject.erased entries; receipts of erased actions still verify, with nothing shown",
    ),
    control(
        "Art. 25",
        "protection by design and by default",
        "decisions with masks among their obligations; content sealed",
    ),
    control(
        "Art. 30",
        "records of processing",
        "actions on resources with personal data, by agent and operation",
    ),
    control(
        "Art. 32",
        "security of processing",
        "approvals for risky actions, sealed content, the integrity of the log",
    ),
    control(
        "Art. 33",
        "notification of breaches",
        "exceptions, with times and receipts, for the facts of a notification",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_and_no_control_promises_compliance() {
        for framework in Framework::ALL {
            assert_eq!(framework.word().parse::<Framework>().unwrap(), framework);
            assert!(!framework.controls().is_empty());
            for control in framework.controls() {
                let text = format!("{} {}", control.asks, control.evidence).to_lowercase();
                assert!(!text.contains("complian") && !text.contains("satisf"), "{text}");
            }
        }
        "iso".parse::<Framework>().unwrap_err();
    }

    #[test]
    fn the_high_baseline_has_what_the_moderate_has_and_more() {
        let (moderate, high) = (Framework::FedrampModerate.controls(), Framework::FedrampHigh.controls());
        assert!(high.starts_with(&moderate) && high.len() > moderate.len());
        assert!(high.iter().any(|control| control.id == "AU-10"));
        assert!(!moderate.iter().any(|control| control.id == "AU-10"));
    }
}
