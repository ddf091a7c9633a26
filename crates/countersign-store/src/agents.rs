//! Which agents are there, who answers for them, and are they still welcome?

mod rules;

use std::collections::BTreeSet;

use countersign_core::{AgentId, Digest, PersonId, Timestamp};
use countersign_ledger::{Content, Kind};
use rusqlite::{Connection, Row, params};

use crate::people::{administrator, find_person, from_json, optional_time, parse_id, record, to_json};
use crate::{Durability, Store, StoreError, Tx};

pub use rules::{Candidate, Rule, RuleSet};

/// A person as an agent's record names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPerson {
    /// Who.
    pub id: PersonId,
    /// The name.
    pub name: String,
}

/// One agent as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAgent {
    /// Which.
    pub id: AgentId,
    /// The name.
    pub name: String,
    /// Who answers for it.
    pub owner: NamedPerson,
    /// For whom it was registered to act.
    pub on_behalf_of: Option<NamedPerson>,
    /// Its teams.
    pub teams: BTreeSet<String>,
    /// The hash of its token; none when it is known by other credentials only.
    pub token_hash: Option<Digest>,
    /// By which other credentials it is known. Only [`Store::agents`] fills this.
    pub rules: Vec<RuleSet>,
    /// When it was added.
    pub added_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl StoredAgent {
    /// Whether it is let in now.
    pub fn works(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// An agent to be added.
#[derive(Debug, Clone)]
pub struct AgentToAdd {
    /// A fresh id.
    pub id: AgentId,
    /// The name; no other unrevoked agent may have it.
    pub name: String,
    /// The owner's name, in lower case.
    pub owner_key: String,
    /// The name of the person for whom it acts, in lower case.
    pub on_behalf_of_key: Option<String>,
    /// Its teams.
    pub teams: BTreeSet<String>,
    /// The hash of its token, when it has one.
    pub token_hash: Option<Digest>,
    /// By which other credentials it is known.
    pub rules: Vec<RuleSet>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What became of adding an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentAddition {
    /// It is there.
    Added(Box<StoredAgent>),
    /// Another agent has the name.
    NameTaken,
    /// The owner is nobody who is known.
    OwnerUnknown,
    /// The person for whom it should act is nobody who is known.
    OnBehalfOfUnknown,
}

const SELECT: &str = "SELECT a.id, a.name, o.id, o.name, b.id, b.name, a.teams, a.token_hash, a.added_at, \
     a.expires_at, a.revoked_at FROM agents a JOIN people o ON o.id = a.owner \
     LEFT JOIN people b ON b.id = a.on_behalf_of";

impl Store {
    /// The agent with this token, whether or not the token is still good. Reads the file each time, so that a
    /// revocation by another process holds at once.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn agent_by_token(&self, token_hash: &Digest) -> Result<Option<StoredAgent>, StoreError> {
        self.read(|conn| select_one(conn, "a.token_hash = ?1", token_hash.as_bytes().as_slice()))
    }

    /// Every agent that ever was, in the order of addition.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn agents(&self) -> Result<Vec<StoredAgent>, StoreError> {
        self.read(|conn| {
            let mut sets = rules::by_agent(conn)?;
            let mut statement = conn.prepare_cached(&format!("{SELECT} ORDER BY a.id"))?;
            let agents = statement.query_and_then([], agent)?;
            agents
                .map(|agent| {
                    let agent = agent?;
                    Ok(StoredAgent { rules: sets.remove(&agent.id).unwrap_or_default(), ..agent })
                })
                .collect()
        })
    }

    /// One agent, and how many sets of rules there are: as long as that number stays, no agent was added that could
    /// be known by the same credential.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn agent_and_rules(&self, agent: AgentId) -> Result<(Option<StoredAgent>, i64), StoreError> {
        self.read(|conn| Ok((select_one(conn, "a.id = ?1", agent.to_string())?, rules::count(conn)?)))
    }

    /// Adds an agent and its ledger entry.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn add_agent(&self, new: AgentToAdd, now: Timestamp) -> Result<AgentAddition, StoreError> {
        self.write(Durability::Full, move |tx| add(tx, &new, now)).await
    }

    /// Revokes the agent with this name, by whatever it is known. `None` when no unrevoked agent has it.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn revoke_agent(
        &self,
        name: String,
        now: Timestamp,
    ) -> Result<Option<StoredAgent>, StoreError> {
        self.write(Durability::Full, move |tx| {
            let condition = "a.revoked_at IS NULL AND a.name = ?1";
            let Some(agent) = select_one(tx.conn(), condition, name.as_str())? else { return Ok(None) };
            Ok(Some(revoke(tx, agent, now)?))
        })
        .await
    }
}

/// Revokes every agent that this person owns or that acts for this person.
pub(crate) fn revoke_agents_of(tx: &mut Tx<'_>, person: PersonId, now: Timestamp) -> Result<(), StoreError> {
    let agents: Vec<StoredAgent> = {
        let mut statement = tx.conn().prepare_cached(&format!(
            "{SELECT} WHERE a.revoked_at IS NULL AND (a.owner = ?1 OR a.on_behalf_of = ?1) ORDER BY a.id"
        ))?;
        statement.query_and_then([person.to_string()], agent)?.collect::<Result<_, _>>()?
    };
    for agent in agents {
        revoke(tx, agent, now)?;
    }
    Ok(())
}

fn add(tx: &mut Tx<'_>, new: &AgentToAdd, now: Timestamp) -> Result<AgentAddition, StoreError> {
    let Some(owner) = present_person(tx.conn(), &new.owner_key)? else {
        return Ok(AgentAddition::OwnerUnknown);
    };
    let on_behalf_of = match &new.on_behalf_of_key {
        None => None,
        Some(key) => match present_person(tx.conn(), key)? {
            None => return Ok(AgentAddition::OnBehalfOfUnknown),
            person => person,
        },
    };
    if select_one(tx.conn(), "a.revoked_at IS NULL AND a.name = ?1", new.name.as_str())?.is_some() {
        return Ok(AgentAddition::NameTaken);
    }
    let agent = StoredAgent {
        id: new.id,
        name: new.name.clone(),
        owner,
        on_behalf_of,
        teams: new.teams.clone(),
        token_hash: new.token_hash,
        rules: new.rules.clone(),
        added_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
    };
    tx.exec(
        "agents",
        "INSERT INTO agents (id, name, owner, on_behalf_of, teams, token_hash, added_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            agent.id.to_string(),
            agent.name,
            agent.owner.id.to_string(),
            agent.on_behalf_of.as_ref().map(|person| person.id.to_string()),
            to_json(&agent.teams)?,
            agent.token_hash.as_ref().map(|hash| hash.as_bytes().as_slice()),
            now.as_micros(),
            agent.expires_at.as_micros(),
        ],
    )?;
    rules::add(tx, agent.id, &agent.rules)?;
    let mut entry = record(tx, Kind::AgentAdded, agent.id.to_string(), administrator(), now);
    entry.content = vec![
        Content::new("name", &agent.name),
        Content::new("owner", agent.owner.id.to_string()),
        Content::new("teams", to_json(&agent.teams)?),
        Content::new("expires_at", agent.expires_at.to_string()),
    ];
    if !agent.rules.is_empty() {
        entry.content.push(Content::new("known_by", to_json(&agent.rules)?));
    }
    if let Some(person) = &agent.on_behalf_of {
        entry.content.push(Content::new("on_behalf_of", person.id.to_string()));
    }
    tx.append(&entry, now)?;
    Ok(AgentAddition::Added(Box::new(agent)))
}

fn revoke(tx: &mut Tx<'_>, agent: StoredAgent, now: Timestamp) -> Result<StoredAgent, StoreError> {
    tx.exec(
        "agents",
        "UPDATE agents SET revoked_at = ?2 WHERE id = ?1",
        params![agent.id.to_string(), now.as_micros()],
    )?;
    let mut entry = record(tx, Kind::AgentRevoked, agent.id.to_string(), administrator(), now);
    entry.content = vec![Content::new("name", &agent.name)];
    tx.append(&entry, now)?;
    Ok(StoredAgent { revoked_at: Some(now), ..agent })
}

fn present_person(conn: &Connection, key: &str) -> Result<Option<NamedPerson>, StoreError> {
    let person = find_person(conn, key)?.filter(|person| person.removed_at.is_none());
    Ok(person.map(|person| NamedPerson { id: person.id, name: person.name }))
}

fn select_one(
    conn: &Connection,
    condition: &str,
    value: impl rusqlite::ToSql,
) -> Result<Option<StoredAgent>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE {condition}"))?;
    let mut rows = statement.query([value])?;
    rows.next()?.map(agent).transpose()
}

fn agent(row: &Row<'_>) -> Result<StoredAgent, StoreError> {
    let on_behalf_of = match row.get::<_, Option<String>>(4)? {
        Some(id) => Some(NamedPerson { id: parse_id("person", &id)?, name: row.get(5)? }),
        None => None,
    };
    Ok(StoredAgent {
        id: parse_id("agent", &row.get::<_, String>(0)?)?,
        name: row.get(1)?,
        owner: NamedPerson { id: parse_id("person", &row.get::<_, String>(2)?)?, name: row.get(3)? },
        on_behalf_of,
        teams: from_json("teams", &row.get::<_, String>(6)?)?,
        token_hash: row.get::<_, Option<[u8; 32]>>(7)?.map(Digest::from_bytes),
        rules: Vec::new(),
        added_at: Timestamp::from_micros(row.get(8)?),
        expires_at: Timestamp::from_micros(row.get(9)?),
        revoked_at: optional_time(row, 10)?,
    })
}
