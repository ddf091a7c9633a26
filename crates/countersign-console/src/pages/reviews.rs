//! One question, and a person's answer to it.

use axum::extract::{RawQuery, State};
use axum::response::{Html, IntoResponse, Response};
use countersign_core::{ActionRecord, Answer, Ballot, Digest, Query, ReviewId, State as ReviewState};

use super::{Form, go_on, viewer};
use crate::Shared;
use crate::api::PathText;
use crate::codes::{Code, Problem};
use crate::credential::Caller;
use crate::shown::{SHOWN_MAX_BYTES, Shown};
use crate::view::{self, review::Asked};
use crate::wire::You;

/// So many similar actions are shown.
const SIMILAR: usize = 5;

/// `GET /reviews/{id}`.
pub(crate) async fn page(
    State(app): State<Shared>,
    caller: Caller,
    path: PathText,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Problem> {
    let notice = match query.as_deref() {
        Some("voted=approve") => Some("Your approval is recorded."),
        Some("voted=deny") => Some("Your denial is recorded. It will not run."),
        _ => None,
    };
    draw(&app, &caller, path.id()?, notice).await
}

/// `POST /reviews/{id}/vote`.
pub(crate) async fn vote(
    State(app): State<Shared>,
    caller: Caller,
    path: PathText,
    form: Form,
) -> Result<Response, Problem> {
    let id: ReviewId = path.id()?;
    let ballot = ballot(&form)?;
    let gate = &app.console.gate;
    if ballot.answer == Answer::Approve {
        let record = gate.review(id).await?.ok_or_else(nothing)?;
        if record.action.payload().len() > SHOWN_MAX_BYTES {
            return Err(Problem::plain(Code::NotShownWhole));
        }
    }
    let answer = ballot.answer;
    match gate.vote(caller.reviewer(), id, ballot).await.map_err(Problem::from) {
        Ok(_) => Ok(go_on(&format!("/reviews/{id}?voted={}", answer.word()), None)),
        Err(problem) => match overtaken(problem.code) {
            Some(notice) => {
                let page = draw(&app, &caller, id, Some(notice)).await?;
                Ok((problem.code.status(), page).into_response())
            }
            None => Err(problem),
        },
    }
}

/// What to say above the page as it is now, when the person answered a page that no longer holds.
fn overtaken(code: Code) -> Option<&'static str> {
    match code {
        Code::ReviewChanged | Code::OtherDigest => Some(
            "It changed since you looked, so your answer was not counted. This is how it stands now; look again.",
        ),
        Code::ReviewExpired => Some(
            "It expired before your answer arrived. Your answer was not counted and nothing was executed.",
        ),
        Code::ReviewNotPending => {
            Some("It was decided before your answer arrived. Your answer was not counted.")
        }
        Code::VotedAlready => Some("You had answered already; your first answer counts."),
        _ => None,
    }
}

fn ballot(form: &Form) -> Result<Ballot, Problem> {
    let answer = match form.field("answer")? {
        "approve" => Answer::Approve,
        "deny" => Answer::Deny,
        _ => return Err(Problem::new(Code::InvalidBody, "`answer` is `approve` or `deny`")),
    };
    let digest: Result<Digest, _> = form.field("digest")?.parse();
    let version: Result<u64, _> = form.field("version")?.parse();
    Ok(Ballot {
        answer,
        // Browsers send line ends of text areas as CR LF.
        reason: form.field("reason").unwrap_or("").replace("\r\n", "\n").trim().to_owned(),
        channel: "console".to_owned(),
        digest: digest.map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))?,
        version: version.map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))?,
    })
}

async fn draw(
    app: &Shared,
    caller: &Caller,
    id: ReviewId,
    notice: Option<&str>,
) -> Result<Html<String>, Problem> {
    let gate = &app.console.gate;
    let record = gate.review(id).await?.ok_or_else(nothing)?;
    let review = record.review.as_ref().ok_or_else(nothing)?;
    if review.state == ReviewState::Pending {
        gate.viewed(caller.reviewer(), id, review.version).await?;
    }
    let you = You::of(gate, caller.reviewer(), &record);
    let similar = similar(app, &record).await?;
    let shown = Shown::of(record.action.payload());
    let asked = Asked { record: &record, review, shown: &shown, you: &you, similar: &similar, notice };
    let viewer = viewer(app, caller)?;
    let title = format!("{}: {}", review.state.word(), view::text::plain(record.action.operation()));
    Ok(view::page(&viewer, &title, "/reviews", &view::review::review(&viewer, &asked)))
}

async fn similar(app: &Shared, record: &ActionRecord) -> Result<Vec<ActionRecord>, Problem> {
    let query = Query {
        resource: Some(record.action.resource().name.clone()),
        operation: Some(record.action.operation().to_owned()),
        limit: 6,
        ..Query::default()
    };
    let mut items = app.console.gate.records(query).await?.items;
    items.retain(|other| other.action.id() != record.action.id());
    items.truncate(SIMILAR);
    Ok(items)
}

fn nothing() -> Problem {
    Problem::new(Code::NotFound, "no such review")
}
