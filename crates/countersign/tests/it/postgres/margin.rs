//! Does an approved change touch no more rows than people saw? Above the margin nothing of it remains, in each way that
//! a client can send it.

use super::site::Site;
use super::wire::{brief, pbe, q, s};
use super::{approve, held};

/// Nine rows when it is counted; the margin of a tenth allows none more.
const DELETE: &str = "DELETE FROM orders WHERE id > 0";
const MORE: &str = "INSERT INTO orders SELECT 100 + i, 'more' FROM generate_series(1, 5) i";

fn left(site: &Site) -> String {
    site.sql("SELECT count(*) FROM orders")
}

async fn undone(begin: bool, messages: &[u8], status: &str) {
    let site = Site::new().await;
    let mut client = site.client().await;
    if begin {
        assert_eq!(client.query("BEGIN").await, "C:BEGIN Z:T");
    }
    let review = held(&site, &mut client, messages).await;
    site.sql(MORE);
    approve(&site, &review).await;
    let said = brief(&client.until_ready().await);
    assert!(said.contains("E:42501") && said.ends_with(status) && !said.contains("C:DELETE"), "{said}");
    if begin {
        client.query("ROLLBACK").await;
    }
    assert_eq!(left(&site), "14", "{said}");
    assert!(client.query("SELECT 1").await.ends_with("Z:I"), "the session goes on");
}

#[tokio::test]
async fn a_simple_query_that_touches_more_than_people_saw_is_undone() {
    undone(false, &q(DELETE), "Z:I").await;
}

#[tokio::test]
async fn a_series_that_touches_more_than_people_saw_is_undone() {
    undone(false, &[pbe(DELETE, &[]), s()].concat(), "Z:I").await;
}

#[tokio::test]
async fn inside_a_block_the_whole_block_is_undone() {
    undone(true, &q(DELETE), "Z:E").await;
    undone(true, &[pbe(DELETE, &[]), s()].concat(), "Z:E").await;
}

#[tokio::test]
async fn what_touches_no_more_than_people_saw_stays_in_each_way() {
    for messages in [q(DELETE), [pbe(DELETE, &[]), s()].concat()] {
        let site = Site::new().await;
        let mut client = site.client().await;
        let review = held(&site, &mut client, &messages).await;
        approve(&site, &review).await;
        let said = brief(&client.until_ready().await);
        assert!(said.contains("C:DELETE 9") && said.ends_with("Z:I"), "{said}");
        assert_eq!(left(&site), "0");
    }
}
