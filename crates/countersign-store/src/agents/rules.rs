//! Which agent does a credential name that the gateway has not made itself? Rules that have to hold of it.

use std::collections::BTreeMap;

use countersign_core::{AgentId, Timestamp};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use crate::people::{from_json, parse_id, to_json};
use crate::{Store, StoreError, Tx};

/// What a credential has to say, exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "(String, String)", from = "(String, String)")]
pub struct Rule {
    /// Of which claim or part.
    pub name: String,
    /// The value.
    pub value: String,
}

impl Rule {
    /// `name` must have this value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl From<(String, String)> for Rule {
    fn from((name, value): (String, String)) -> Self {
        Self { name, value }
    }
}

impl From<Rule> for (String, String) {
    fn from(rule: Rule) -> Self {
        (rule.name, rule.value)
    }
}

/// By which credentials of one kind an agent is known: every rule must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSet {
    /// Whose tokens: the issuer's URL. None for client certificates.
    pub issuer: Option<String>,
    /// What must hold.
    pub rules: Vec<Rule>,
}

/// An agent that a credential could name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub agent: AgentId,
    /// What must hold.
    pub rules: Vec<Rule>,
}

impl Store {
    /// The agents in force that are known by tokens of this issuer, or by client certificates when it is `None`; and
    /// how many sets of rules there are at all.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn candidates(
        &self,
        issuer: Option<&str>,
        now: Timestamp,
    ) -> Result<(Vec<Candidate>, i64), StoreError> {
        self.read(|conn| {
            // Before the candidates: one that comes in between makes the number old, not the list.
            let count = count(conn)?;
            let mut statement = conn.prepare_cached(
                "SELECT a.id, r.rules FROM agent_rules r JOIN agents a ON a.id = r.agent \
                 WHERE r.issuer IS ?1 AND a.revoked_at IS NULL AND a.expires_at > ?2 ORDER BY r.seq",
            )?;
            let found = statement.query_and_then(params![issuer, now.as_micros()], |row| {
                Ok::<_, StoreError>(Candidate {
                    agent: parse_id("agent", &row.get::<_, String>(0)?)?,
                    rules: from_json("rules", &row.get::<_, String>(1)?)?,
                })
            })?;
            Ok((found.collect::<Result<_, _>>()?, count))
        })
    }
}

pub(super) fn add(tx: &Tx<'_>, agent: AgentId, sets: &[RuleSet]) -> Result<(), StoreError> {
    for set in sets {
        tx.exec(
            "agent_rules",
            "INSERT INTO agent_rules (agent, issuer, rules) VALUES (?1, ?2, ?3)",
            params![agent.to_string(), set.issuer, to_json(&set.rules)?],
        )?;
    }
    Ok(())
}

/// How many sets of rules there ever were.
pub(super) fn count(conn: &Connection) -> Result<i64, StoreError> {
    Ok(conn
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM agent_rules")?
        .query_row([], |row| row.get(0))?)
}

pub(super) fn by_agent(conn: &Connection) -> Result<BTreeMap<AgentId, Vec<RuleSet>>, StoreError> {
    let mut sets: BTreeMap<AgentId, Vec<RuleSet>> = BTreeMap::new();
    let mut statement = conn.prepare_cached("SELECT agent, issuer, rules FROM agent_rules ORDER BY seq")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let agent = parse_id("agent", &row.get::<_, String>(0)?)?;
        let rules = from_json("rules", &row.get::<_, String>(2)?)?;
        sets.entry(agent).or_default().push(RuleSet { issuer: row.get(1)?, rules });
    }
    Ok(sets)
}
