//! How long from a vote to the upstream receiving the held call?

use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::{Value, json};

use crate::client::{People, Session};
use crate::gateway::Gateway;
use crate::upstream::Upstream;
use crate::{Effort, Failure};
use bench_figures::{Figure, Figures, Samples};

pub async fn to_upstream(
    gateway: &Gateway,
    upstream: &Upstream,
    effort: Effort,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let mut people = People::open(gateway.people()).await?;
    let mut session = Session::open(gateway.agents()).await?;
    let mut arrivals = upstream.arrivals();
    let mut samples = Samples::default();
    for number in 0..effort.votes {
        let mark = format!("voted-{number}");
        let call = tokio::spawn({
            let mark = mark.clone();
            async move {
                let answer = session.call("remove", &mark).await;
                (session, answer)
            }
        });
        let review = pending(&mut people).await?;
        let field = |name: &str| review.get(name).cloned().unwrap_or_default();
        let ballot = json!({ "answer": "approve", "reason": "bench", "digest": field("digest"), "version": field("version") });
        let path = format!("/api/v1/reviews/{}/votes", field("id").as_str().unwrap_or_default());
        let voted = Instant::now();
        let vote = people.ask(Method::POST, &path, Some(&ballot));
        let (vote, arrival) = tokio::join!(vote, arrivals.recv());
        vote?;
        let arrival = arrival?;
        if arrival.mark != mark {
            return Err(format!("`{}` arrived, not `{mark}`", arrival.mark).into());
        }
        samples.push(arrival.at.duration_since(voted).as_secs_f64() * 1e3);
        let (again, answer) = call.await?;
        answer?;
        session = again;
    }
    for (word, share) in [("p50", 0.5), ("p99", 0.99)] {
        figures.push(Figure {
            name: format!("vote to upstream {word}"),
            value: samples.quantile(share),
            unit: "ms",
            peer: None,
            n: samples.len(),
            spread: samples.spread(),
        });
    }
    Ok(())
}

/// The one open review, as soon as it is there.
async fn pending(people: &mut People) -> Result<Value, Failure> {
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        let page = people.ask(Method::GET, "/api/v1/reviews?state=pending&limit=1", None).await?;
        if let Some(review) = page.pointer("/items/0") {
            return Ok(review.clone());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Err("no review opened within 10 s".into())
}
