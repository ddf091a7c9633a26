//! Does what was approved still do what people saw when it runs? Others change the database while people think.

use countersign_core::{Review, State};

use super::site::{Plan, Site};
use super::wire::{PATIENCE, brief, pbe, q, s};
use super::{approve, held};

const PLACE: &str = "SELECT name FROM place";
const PUBLIC: &str = "T D:public C:SELECT 1 Z:";

/// A view that people see as one table while the statement waits, and that is another by the time of the vote.
const SWAP: [&str; 2] =
    ["CREATE TABLE others AS SELECT * FROM orders", "CREATE OR REPLACE VIEW seen AS SELECT * FROM others"];

/// Waits until what was approved has ended without having run.
async fn not_run(site: &Site, review: &Review) {
    let ended = tokio::time::timeout(PATIENCE, site.world.until(review.id, State::Failed)).await;
    ended.expect("what was approved did not end, or it ran");
}

async fn objects(site: &Site, review: &Review) -> Vec<String> {
    let record = site.world.gate.review(review.id).await.unwrap().unwrap();
    record.action.effects().iter().map(|effect| effect.object.clone()).collect()
}

#[tokio::test]
async fn what_means_something_else_after_the_hold_is_not_run_and_asks_again() {
    let delete = "DELETE FROM seen WHERE id = 1";
    for messages in [q(delete), [pbe(delete, &[]), s()].concat()] {
        // Changed through the gateway, and past it.
        for through in [true, false] {
            let site = Site::with(Plan::and_tables("CREATE VIEW seen AS SELECT * FROM orders;")).await;
            let mut client = site.client().await;
            let review = held(&site, &mut client, &messages).await;
            assert!(objects(&site, &review).await.contains(&"public.orders".to_owned()));
            if through {
                let mut other = site.client().await;
                for text in SWAP {
                    let answer = other.query(text).await;
                    assert!(!answer.contains("E:"), "{text}: {answer}");
                }
            } else {
                site.sql(&SWAP.join("; "));
            }
            approve(&site, &review).await;
            not_run(&site, &review).await;
            let again = site.world.the_review(State::Pending).await;
            let now = objects(&site, &again).await;
            assert!(
                now.contains(&"public.others".to_owned()) && !now.contains(&"public.orders".to_owned()),
                "{now:?}"
            );
            assert_eq!(
                site.sql("SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM others)"),
                "18"
            );
            approve(&site, &again).await;
            assert!(brief(&client.until_ready().await).ends_with("C:DELETE 1 Z:I"));
            assert_eq!(
                site.sql("SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM others)"),
                "9|8"
            );
        }
    }
}

#[tokio::test]
async fn what_still_means_the_same_after_a_change_of_something_else_runs() {
    let site = Site::new().await;
    let (mut client, mut other) = (site.client().await, site.client().await);
    let review = held(&site, &mut client, &q("DELETE FROM orders WHERE id = 1")).await;
    assert_eq!(other.query("CREATE TABLE others ()").await, "C:CREATE TABLE Z:I");
    approve(&site, &review).await;
    assert!(brief(&client.until_ready().await).ends_with("C:DELETE 1 Z:I"));
    site.world.until(review.id, State::Executed).await;
}

#[tokio::test]
async fn a_schema_that_comes_to_stand_first_on_the_path_counts_also_for_what_waits() {
    let site = Site::new().await;
    let (mut client, mut other) = (site.client().await, site.client().await);
    // The default path begins with a schema of the role's name, which is not there yet.
    assert_eq!(client.query(PLACE).await, format!("{PUBLIC}I"));
    let review = held(&site, &mut client, &q("DELETE FROM orders WHERE id = 1")).await;
    for text in ["CREATE SCHEMA app", "CREATE TABLE app.orders AS SELECT * FROM public.orders"] {
        assert!(!other.query(text).await.contains("E:"), "{text}");
    }
    approve(&site, &review).await;
    not_run(&site, &review).await;
    let again = site.world.the_review(State::Pending).await;
    assert!(objects(&site, &again).await.contains(&"app.orders".to_owned()));
    assert_eq!(
        site.sql("SELECT (SELECT count(*) FROM public.orders) + (SELECT count(*) FROM app.orders)"),
        "18"
    );
    // Of the other session as well.
    let review = held(&site, &mut other, &q("DELETE FROM orders WHERE id = 2")).await;
    assert!(objects(&site, &review).await.contains(&"app.orders".to_owned()));
}
