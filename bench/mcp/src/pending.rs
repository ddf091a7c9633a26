//! How much memory do held calls take? All of them wait on open connections at once: the costliest way to be pending.

use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::Value;

use crate::client::{People, Session};
use crate::gateway::Gateway;
use crate::{Effort, Failure};
use bench_figures::{Figure, Figures};

pub async fn memory(gateway: &Gateway, effort: Effort, figures: &mut Figures) -> Result<(), Failure> {
    let before = gateway.resident_mib()?;
    let session = Session::open(gateway.agents()).await?;
    let mut held = Vec::with_capacity(effort.pending);
    for number in 0..effort.pending {
        let mut beside = session.beside(u64::try_from(number)? + 1).await?;
        held.push(tokio::spawn(async move {
            beside.call("remove", &format!("pending-{number}")).await.map(|_| ())
        }));
    }
    all_pending(gateway, effort.pending).await?;
    if held.iter().any(tokio::task::JoinHandle::is_finished) {
        return Err("a held call was answered before anybody voted".into());
    }
    let after = gateway.resident_mib()?;
    for task in held {
        task.abort();
    }
    let figure = |name: String, value, unit| Figure { name, value, unit, peer: None, n: 1, spread: 0.0 };
    figures.push(figure(format!("memory with {} held calls", effort.pending), after, "MiB"));
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let each = (after - before) * 1024.0 / effort.pending as f64;
    figures.push(figure("memory per held call".to_owned(), each, "KiB"));
    Ok(())
}

/// Waits until the review API lists `count` open reviews, page by page.
async fn all_pending(gateway: &Gateway, count: usize) -> Result<(), Failure> {
    let mut people = People::open(gateway.people()).await?;
    let end = Instant::now() + Duration::from_secs(120);
    let mut found = 0;
    while Instant::now() < end {
        found = 0;
        let mut cursor = String::new();
        loop {
            let path = format!("/api/v1/reviews?state=pending&limit=200{cursor}");
            let page = people.ask(Method::GET, &path, None).await?;
            found += page.get("items").and_then(Value::as_array).map_or(0, Vec::len);
            match page.get("next").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        if found >= count {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(format!("only {found} of {count} calls are held").into())
}
