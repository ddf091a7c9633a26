//! Does the PostgreSQL session keep its promises? A real server, a real gate, real sockets, a clock that tests move.

mod again;
mod alike;
mod certificates;
mod denial;
mod encoding;
mod hold;
mod margin;
mod masking;
mod meaning;
mod names;
mod outcomes;
mod prepare;
mod preview;
mod rough;
mod site;
mod wire;
mod within;

use countersign_core::{Answer, Review, State};
use site::Site;
use wire::Raw;

/// Sends a statement that people have to see, waits for the notice, and gives their question.
async fn held(site: &Site, client: &mut Raw, messages: &[u8]) -> Review {
    client.send(messages).await;
    assert_eq!(client.next().await.brief(), "N:00000");
    site.world.the_review(State::Pending).await
}

async fn approve(site: &Site, review: &Review) {
    site.world.vote("ada", review, Answer::Approve).await.unwrap();
}
