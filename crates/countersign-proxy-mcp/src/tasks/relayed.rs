//! Whose is this task of the upstream? An agent reaches those that it was given itself, per resource, and no others.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign_core::AgentId;

use crate::codec::{Answer, Kind, Malformed, Message, View, reframe, scan, splice};

/// The tasks of one agent beyond this number are forgotten, oldest first.
const KEPT_MAX: usize = 1000;

/// Which tasks the upstream made for which agent, since the gateway started.
#[derive(Debug, Default)]
pub(crate) struct Relayed(Mutex<HashMap<AgentId, VecDeque<String>>>);

impl Relayed {
    fn all(&self) -> MutexGuard<'_, HashMap<AgentId, VecDeque<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The agent was given this task.
    pub(crate) fn note(&self, agent: AgentId, task: &str) {
        let mut all = self.all();
        let own = all.entry(agent).or_default();
        if own.iter().any(|known| known == task) {
            return;
        }
        own.push_back(task.to_owned());
        if own.len() > KEPT_MAX {
            own.pop_front();
        }
    }

    /// Whether the agent was given any.
    pub(crate) fn any(&self, agent: AgentId) -> bool {
        self.all().get(&agent).is_some_and(|own| !own.is_empty())
    }

    pub(crate) fn owns(&self, agent: AgentId, task: &str) -> bool {
        self.all().get(&agent).is_some_and(|own| own.iter().any(|known| known == task))
    }

    /// Whether every task that the message names is the agent's own.
    pub(crate) fn may_name(&self, agent: AgentId, message: &Message) -> bool {
        let own = |task: View<'_>| task.string().is_some_and(|task| self.owns(agent, &task));
        match message.method() {
            "tasks/list" => true,
            "subscriptions/listen" => message
                .param("notifications")
                .and_then(|filter| filter.get("taskIds"))
                .is_none_or(|tasks| tasks.kind() == Kind::Array && tasks.children().all(own)),
            method if method.starts_with("tasks/") => message.param("taskId").is_some_and(own),
            _ => true,
        }
    }

    /// The upstream's page of `tasks/list` with only the agent's own tasks in it.
    pub(crate) fn own_page(&self, agent: AgentId, id: &str, answer: &Answer) -> Result<String, Malformed> {
        let kept = answer.keepable();
        let text = reframe(id, &kept).unwrap_or_default();
        let nodes = scan(&text)?;
        let root = View::root(&text, &nodes);
        let Some(tasks) = root.get("result").and_then(|result| result.get("tasks")) else {
            return Ok(text);
        };
        let own: Vec<&str> = tasks
            .children()
            .filter(|task| {
                task.get("taskId").and_then(|id| id.string()).is_some_and(|id| self.owns(agent, &id))
            })
            .map(|task| task.raw())
            .collect();
        Ok(splice(&text, [(tasks.span(), format!("[{}]", own.join(",")).as_str())]))
    }
}
