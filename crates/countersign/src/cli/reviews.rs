//! How are reviews decided from a terminal? Through the same review API as everywhere, with a session of one's own.

mod session;
mod show;

use clap::{Args, Subcommand};
use countersign_core::State;
use http::Method;
use serde_json::{Value, json};

use super::Failure;
use crate::client::Client;
use crate::out;
use session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum ReviewsCommand {
    /// Sign this terminal in with a one-time link (from `countersign people invite NAME`).
    SignIn {
        /// The link, for example `https://countersign.example.com/enter/csi_…`.
        link: String,
    },
    /// End this terminal's session.
    SignOut,
    /// List reviews, newest first.
    List {
        /// `pending`, `approved`, `denied`, `expired`, `cancelled`, `lapsed`, `claimed`, `executed`, `failed`,
        /// `unknown` or `all`.
        #[arg(long, default_value = "pending")]
        state: String,
        /// As JSON, one review a line.
        #[arg(long)]
        json: bool,
    },
    /// Show one review whole: who, what exactly, where, which policy, and the digest to approve.
    Show {
        /// For example `rev_018f…`.
        review: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Approve one review. Asks to see it first: give the digest that `show` printed.
    Approve(VoteArgs),
    /// Deny one review.
    Deny(VoteArgs),
}

#[derive(Debug, Args)]
pub(crate) struct VoteArgs {
    /// For example `rev_018f…`.
    review: String,
    /// The digest that `show` printed, or at least its first 12 digits: the vote counts for exactly that.
    #[arg(long, value_name = "DIGEST")]
    digest: String,
    /// Why.
    #[arg(long, default_value = "", value_name = "TEXT")]
    reason: String,
}

/// Digits of a digest that a person must have seen.
const DIGEST_MIN_DIGITS: usize = 12;

pub(super) async fn run(command: ReviewsCommand) -> Result<(), Failure> {
    match command {
        ReviewsCommand::SignIn { link } => session::sign_in(&link).await,
        ReviewsCommand::SignOut => session::sign_out().await,
        ReviewsCommand::List { state, json } => list(&Session::load()?, &state, json).await,
        ReviewsCommand::Show { review, json } => {
            let body = fetch(&Session::load()?, &review).await?;
            if json {
                out::line(body);
            } else {
                show::review(&body);
            }
            Ok(())
        }
        ReviewsCommand::Approve(args) => vote(&Session::load()?, "approve", &args).await,
        ReviewsCommand::Deny(args) => vote(&Session::load()?, "deny", &args).await,
    }
}

/// One call of the review API; anything but success becomes the problem's own words.
async fn call(session: &Session, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
    let client = Client::new(Some(session.token.clone()));
    let url = format!("{}/api/v1{path}", session.url);
    let answer = client.json(method, &url, body).await.map_err(|error| Failure::new(out::chain(&error)))?;
    if (200..300).contains(&answer.status) {
        return Ok(answer.body);
    }
    let field = |name: &str| answer.body.get(name).and_then(Value::as_str).map(show::visible);
    let detail =
        field("detail").or(field("title")).unwrap_or_else(|| format!("HTTP status {}", answer.status));
    let code = field("code").map(|code| format!(" ({code})")).unwrap_or_default();
    let hint = field("hint").map(|hint| format!("\n    help: {hint}")).unwrap_or_default();
    Err(Failure::new(format!("{detail}{code}{hint}")))
}

async fn fetch(session: &Session, review: &str) -> Result<Value, Failure> {
    let plain = review.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !plain {
        return Err(Failure::new(format!("`{}` is not a review's id", show::visible(review))));
    }
    call(session, Method::GET, &format!("/reviews/{review}"), None).await
}

async fn list(session: &Session, state: &str, json: bool) -> Result<(), Failure> {
    if !state.chars().all(|c| c.is_ascii_lowercase()) {
        return Err(Failure::new(format!("`{}` is not a state", show::visible(state))));
    }
    let filter: String = match state {
        "all" => State::ALL.iter().map(|state| format!("&state={}", state.word())).collect(),
        one => format!("&state={one}"),
    };
    let page = call(session, Method::GET, &format!("/reviews?limit=100{filter}"), None).await?;
    let items = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    if json {
        items.iter().for_each(out::line);
        return Ok(());
    }
    let text = |item: &Value, name: &str| {
        item.get(name).and_then(Value::as_str).map(show::visible).unwrap_or_default()
    };
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            ["id", "state", "resource", "agent", "operation", "pending_until"]
                .map(|name| text(item, name))
                .to_vec()
        })
        .collect();
    out::table(&["REVIEW", "STATE", "RESOURCE", "AGENT", "OPERATION", "PENDING UNTIL"], &rows);
    if page.get("next").is_some_and(Value::is_string) {
        out::note("there are more; the console shows all");
    }
    Ok(())
}

async fn vote(session: &Session, answer: &str, args: &VoteArgs) -> Result<(), Failure> {
    let seen = args.digest.strip_prefix("sha256:").unwrap_or(&args.digest).to_ascii_lowercase();
    if seen.len() < DIGEST_MIN_DIGITS {
        return Err(Failure::new(format!(
            "`--digest` needs at least {DIGEST_MIN_DIGITS} digits of what `countersign reviews show` printed"
        )));
    }
    let review = fetch(session, &args.review).await?;
    let digest = review.get("digest").and_then(Value::as_str).unwrap_or_default();
    if !digest.trim_start_matches("sha256:").starts_with(&seen) {
        return Err(Failure::new("the review is about another digest than the one you saw; show it again"));
    }
    let ballot = json!({
        "answer": answer, "reason": args.reason, "digest": digest, "version": review.get("version"),
    });
    let path = format!("/reviews/{}/votes", args.review);
    let after = call(session, Method::POST, &path, Some(&ballot)).await?;
    let state = after.get("state").and_then(Value::as_str).unwrap_or("changed");
    out::line(format_args!("{}: {state}", args.review));
    Ok(())
}
