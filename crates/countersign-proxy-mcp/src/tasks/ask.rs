//! What does an agent hear that asks after a task of the gateway? Its own tasks only; nothing here can vote.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_core::{ActionRecord, Digest, Obligation, Outcome, Query, Review, ReviewId, State, Status};
use countersign_gate::{Forward, Forwarded, GateError, Permit, Ticket, Verdict};
use serde_json::{Value, json};

use super::Dialect;
use super::form::{Known, Standing, is_cancelled};
use super::held::{self, End};
use super::hosted::Task;
use super::offer::{EXTENSION, declares, dialect};
use crate::call::Call;
use crate::codec::{Message, View, error, result, scan, splice};
use crate::definitions::asks_about_definition;
use crate::explain::{INVALID_PARAMS, METHOD_NOT_FOUND, UPSTREAM};
use crate::forward::CANCELLED;
use crate::session::{CallState, Era};

/// Tasks in one page of a list.
const PAGE: u16 = 50;
/// Each is looked up.
const LISTENED_MAX: usize = 100;
/// What our cursors begin with; others are the upstream's.
const CURSOR: &str = "countersign:";
/// JSON-RPC code: the client did not declare what the request needs.
const CAPABILITY_MISSING: i32 = -32021;
const NO_SUCH_TASK: &str = "no such task of yours";

/// A task of the gateway.
enum Found {
    /// A held call: its review with its action.
    Held(Box<ActionRecord>),
    /// A call that policy allowed.
    Hosted(Arc<Task>),
}

/// The answer to a request about tasks, when it is the gateway's to give.
pub(crate) async fn answer(call: &Call) -> Option<String> {
    let dialect = dialect(&call.session)?;
    match (call.message.method(), dialect) {
        ("tasks/list", Dialect::Sessions) => list(call).await,
        ("tasks/list" | "tasks/result", Dialect::Extension) => {
            Some(error(call.id(), METHOD_NOT_FOUND, "there is no such method in this protocol version", None))
        }
        ("tasks/get" | "tasks/cancel", _)
        | ("tasks/result", Dialect::Sessions)
        | ("tasks/update", Dialect::Extension) => one(call, dialect).await,
        _ => None,
    }
}

async fn one(call: &Call, dialect: Dialect) -> Option<String> {
    let served = &call.session.served;
    let named = call.message.param("taskId").and_then(|task| task.string());
    let named = named.as_deref().unwrap_or_default();
    if served.tasks.relayed.owns(call.principal.agent, named) {
        return None;
    }
    if dialect == Dialect::Extension && !declares(&call.message) {
        return Some(undeclared(call.id()));
    }
    let found = match find(call, named) {
        Ok(Some(found)) => found,
        Ok(None) => return Some(error(call.id(), INVALID_PARAMS, NO_SUCH_TASK, None)),
        Err(failure) => return Some(broken(call.id(), &failure)),
    };
    let answer = match call.message.method() {
        "tasks/get" => get(call, found, dialect).await,
        "tasks/result" => outcome(call, found).await,
        "tasks/cancel" => cancel(call, found, dialect).await,
        // Nothing of ours ever asks for input, so no response belongs to anything.
        _ => Ok(acknowledged(call.id())),
    };
    Some(answer.unwrap_or_else(|failure| broken(call.id(), &failure)))
}

/// The error for a client that did not say that it takes tasks.
pub(super) fn undeclared(id: &str) -> String {
    let needed = json!({ "requiredCapabilities": { "extensions": { EXTENSION: {} } } });
    error(id, CAPABILITY_MISSING, "the client's capabilities lack the tasks extension", Some(needed))
}

fn acknowledged(id: &str) -> String {
    result(id, &json!({ "resultType": "complete" }))
}

fn broken(id: &str, failure: &GateError) -> String {
    error(id, UPSTREAM, &failure.to_string(), Some(json!({ "code": "store_unavailable" })))
}

fn find(call: &Call, named: &str) -> Result<Option<Found>, GateError> {
    let served = &call.session.served;
    if let Some(task) = served.tasks.hosted.find(call.principal.agent, named, served.now()) {
        return Ok(Some(Found::Hosted(task)));
    }
    let Ok(review) = named.parse::<ReviewId>() else { return Ok(None) };
    let record = served.gate.asked(&call.principal, review)?;
    Ok(record.filter(|record| is_task(call, record)).map(|record| Found::Held(Box::new(record))))
}

/// Whether a review is about a call of a tool of this resource. Nothing else runs through this resource's upstream.
fn is_task(call: &Call, record: &ActionRecord) -> bool {
    record.action.resource().name == call.session.served.name()
        && record.action.principal().agent == call.principal.agent
        && record.action.operation().starts_with("tools/call ")
        && record
            .review
            .as_ref()
            .is_some_and(|review| review.plan.asked_by_policy() && !asks_about_definition(review))
}

async fn get(call: &Call, found: Found, dialect: Dialect) -> Result<String, GateError> {
    let known = match found {
        Found::Hosted(task) => task.known(),
        Found::Held(record) => {
            let Some(review) = record.review else { return Ok(no_such(call)) };
            held::go_on(&call.session, &call.principal, &review, false);
            // With the extension, the state of an ended task carries its answer.
            let given = dialect == Dialect::Extension;
            known(call, &review, dialect, given).await?
        }
    };
    Ok(known.shown(call.id(), dialect, call.session.served.now()))
}

fn no_such(call: &Call) -> String {
    error(call.id(), INVALID_PARAMS, NO_SUCH_TASK, None)
}

/// The task of a review as it stands. `given` when its answer goes out with this.
async fn known(call: &Call, review: &Review, dialect: Dialect, given: bool) -> Result<Known, GateError> {
    let served = &call.session.served;
    let verdict = match review.state.is_final() {
        true if given => served.gate.fetch(&call.principal, review.id).await?,
        true => served.gate.result(&call.principal, review.id)?,
        false => None,
    };
    Ok(standing(call, review, dialect, verdict))
}

fn standing(call: &Call, review: &Review, dialect: Dialect, verdict: Option<Verdict>) -> Known {
    let served = &call.session.served;
    let before = verdict.as_ref().is_some_and(is_cancelled);
    let mut known = held::known(review, &served.gate.link(review.id), verdict);
    match served.tasks.held.of(review.id).map(|watch| watch.end()) {
        Some(End::Refused(refused)) => known.standing = Standing::Ended(refused),
        Some(End::Abandoned) if dialect == Dialect::Sessions && !before => {
            known.standing = Standing::Abandoned;
        }
        Some(End::Abandoned | End::Open) | None => {}
    }
    known
}

/// `tasks/result`: waits for the end.
async fn outcome(call: &Call, found: Found) -> Result<String, GateError> {
    let served = &call.session.served;
    let (known, verdict) = match found {
        Found::Hosted(task) => (task.known(), task.ended().await),
        Found::Held(record) => {
            let Some(review) = record.review else { return Ok(no_such(call)) };
            let watch = held::go_on(&call.session, &call.principal, &review, false);
            let ended = tokio::select! {
                biased;
                ended = served.gate.until(&call.principal, review.id, State::is_final) => ended?,
                () = watch.until_refused() => None,
            };
            let verdict = match (ended, watch.end()) {
                (_, End::Refused(refused)) => Some(refused),
                (Some(_), End::Open | End::Abandoned) => {
                    served.gate.fetch(&call.principal, review.id).await?
                }
                (None, End::Open | End::Abandoned) => None,
            };
            (held::known(&review, "", None), verdict)
        }
    };
    Ok(match verdict {
        Some(verdict) => known.outcome(call.id(), &verdict, served.now()),
        None => no_such(call),
    })
}

async fn cancel(call: &Call, found: Found, dialect: Dialect) -> Result<String, GateError> {
    let known = match &found {
        Found::Hosted(task) => task.known(),
        Found::Held(record) => match &record.review {
            Some(review) => known(call, review, dialect, false).await?,
            None => return Ok(no_such(call)),
        },
    };
    if known.standing.is_terminal() {
        if dialect == Dialect::Extension {
            return Ok(acknowledged(call.id()));
        }
        let task = known.members(dialect);
        let text = format!("the task has ended: it is {}", task.get("status").unwrap_or(&Value::Null));
        return Ok(error(call.id(), INVALID_PARAMS, &text, None));
    }
    let known = match found {
        Found::Hosted(task) => {
            task.abandon();
            task.known()
        }
        Found::Held(record) => match take_back(call, *record).await? {
            Some(review) => self::known(call, &review, dialect, false).await?,
            None => return Ok(no_such(call)),
        },
    };
    Ok(match dialect {
        Dialect::Sessions => known.shown(call.id(), dialect, call.session.served.now()),
        Dialect::Extension => acknowledged(call.id()),
    })
}

/// Takes a held call back as far as that can be: the question while it is pending, the approval while nobody claimed
/// it, and what was sent already as far as the upstream lets itself be stopped.
async fn take_back(call: &Call, record: ActionRecord) -> Result<Option<Review>, GateError> {
    let gate = &call.session.served.gate;
    let Some(review) = record.review else { return Ok(None) };
    let after = gate.cancel(&call.principal, review.id).await?;
    if after.as_ref().is_none_or(|review| review.state.is_final()) {
        return Ok(after);
    }
    held::go_on(&call.session, &call.principal, &review, false).abandon();
    let facts = record.action.facts().clone();
    // Whoever claims first: the waiter, which sends nothing that was cancelled, or this, which sends nothing at all.
    gate.resume(&call.principal, review.id, TakenBack { facts }).await?;
    gate.status(&call.principal, review.id)
}

/// Spends an approval without sending anything, so that it is over for good, whatever happens to this process.
struct TakenBack {
    facts: BTreeMap<String, String>,
}

impl Forward for TakenBack {
    fn hold(&self) -> Duration {
        Duration::ZERO
    }

    fn held(&self, _: &Ticket) {}

    fn performs(&self, obligation: &Obligation) -> bool {
        *obligation == Obligation::Record
    }

    fn facts(&self) -> BTreeMap<String, String> {
        self.facts.clone()
    }

    async fn forward(self, permit: Permit) -> Forwarded {
        drop(permit);
        let told =
            json!({ "error": { "code": INVALID_PARAMS, "message": format!("not executed: {CANCELLED}") } });
        let result = Bytes::from(told.to_string());
        let note = Some(CANCELLED.to_owned());
        let outcome = Outcome {
            status: Status::Failed,
            result: Some(Digest::of(&result)),
            rows: None,
            duration_us: 0,
            note,
        };
        Forwarded { outcome, result }
    }
}

/// `tasks/list`: ours, then the upstream's. `None` when the page is the upstream's alone.
async fn list(call: &Call) -> Option<String> {
    let cursor = call.message.param("cursor").and_then(|cursor| cursor.string());
    let after = match cursor.as_deref().map(|cursor| cursor.strip_prefix(CURSOR).map(str::parse)) {
        None => None,
        Some(Some(Ok(after))) => Some(after),
        Some(Some(Err(_))) => return Some(error(call.id(), INVALID_PARAMS, "there is no such cursor", None)),
        Some(None) => return None,
    };
    let (mut tasks, next) = match page(call, after).await {
        Ok(page) => page,
        Err(failure) => return Some(broken(call.id(), &failure)),
    };
    if let Some(next) = next {
        return Some(result(call.id(), &json!({ "tasks": tasks, "nextCursor": format!("{CURSOR}{next}") })));
    }
    let served = &call.session.served;
    if after.is_none() {
        let hosted = served.tasks.hosted.own(call.principal.agent, served.now());
        tasks.extend(hosted.iter().map(|task| Value::Object(task.known().members(Dialect::Sessions))));
    }
    let theirs = upstreams(call).await;
    Some(
        theirs
            .and_then(|page| joined(&tasks, &page))
            .unwrap_or_else(|| result(call.id(), &json!({ "tasks": tasks }))),
    )
}

/// One page of held calls, newest first, and where to go on.
async fn page(call: &Call, after: Option<u64>) -> Result<(Vec<Value>, Option<u64>), GateError> {
    let served = &call.session.served;
    let query = Query {
        states: State::ALL.to_vec(),
        resource: Some(served.name().to_owned()),
        agent: Some(call.principal.name.clone()),
        cursor: after,
        limit: PAGE,
        ..Query::default()
    };
    let page = served.gate.records(query).await?;
    let own = page.items.into_iter().filter(|record| is_task(call, record));
    let tasks = own.filter_map(|record| {
        let review = record.review?;
        let ran = record.outcome.map(|outcome| Verdict::Ran {
            review: Some(review.id),
            outcome,
            result: Bytes::new(),
        });
        let verdict = ran.or_else(|| served.gate.result(&call.principal, review.id).ok().flatten());
        let known = standing(call, &review, Dialect::Sessions, verdict);
        Some(Value::Object(known.members(Dialect::Sessions)))
    });
    Ok((tasks.collect(), page.next))
}

/// The first page of the agent's tasks at the upstream, if it has any there.
async fn upstreams(call: &Call) -> Option<String> {
    let relayed = &call.session.served.tasks.relayed;
    relayed.any(call.principal.agent).then_some(())?;
    let first = call.message.without("cursor").and_then(Result::ok);
    let first: Option<Message> =
        first.or_else(|| Message::parse(call.message.text().as_bytes().to_vec()).ok());
    let answer =
        call.with(first?).relay(&CallState::default()).await.ok().filter(|answer| !answer.is_error())?;
    relayed.own_page(call.principal.agent, call.id(), &answer).ok()
}

/// The upstream's page with ours in front.
fn joined(ours: &[Value], page: &str) -> Option<String> {
    let nodes = scan(page).ok()?;
    let theirs = View::root(page, &nodes).get("result")?.get("tasks")?;
    let ours = ours.iter().map(Value::to_string);
    let all: Vec<String> = ours.chain(theirs.children().map(|task| task.raw().to_owned())).collect();
    Some(splice(page, [(theirs.span(), format!("[{}]", all.join(",")).as_str())]))
}

/// A `subscriptions/listen` without our own tasks, which nobody announces: their clients ask. `Err` is the answer when
/// the client may not listen to tasks at all, `Ok(None)` when nothing changes.
pub(crate) fn listening(call: &Call) -> Result<Option<Message>, String> {
    if call.message.method() != "subscriptions/listen" || call.session.era != Era::Stateless {
        return Ok(None);
    }
    let tasks = call.message.param("notifications").and_then(|filter| filter.get("taskIds"));
    let Some(tasks) = tasks else { return Ok(None) };
    if !declares(&call.message) {
        return Err(undeclared(call.id()));
    }
    if tasks.children().nth(LISTENED_MAX).is_some() {
        let text = format!("at most {LISTENED_MAX} tasks are listened to at once");
        return Err(error(call.id(), INVALID_PARAMS, &text, None));
    }
    let ours = |task: &View<'_>| matches!(find(call, &task.string().unwrap_or_default()), Ok(Some(_)));
    let theirs: Vec<&str> = tasks.children().filter(|task| !ours(task)).map(|task| task.raw()).collect();
    let edited = call.message.replaced(tasks.span(), &format!("[{}]", theirs.join(",")));
    Ok(Message::parse(edited.into_bytes()).ok())
}
