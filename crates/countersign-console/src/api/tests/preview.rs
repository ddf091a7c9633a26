//! What an action would touch reaches programs and pages as it was worked out, through store and router.

use countersign_core::{Cascade, Preview, Rows, Verb};
use serde_json::json;

use crate::testing::Bench;

fn preview() -> Preview {
    Preview {
        rows: Rows::Exact(42),
        cascades: vec![Cascade {
            object: "public.order_lines".to_owned(),
            what: "delete".to_owned(),
            rows: Rows::Unknown,
        }],
        sample: None,
        notes: vec!["counted".to_owned()],
    }
}

#[tokio::test]
async fn a_held_action_brings_its_preview_along() {
    let bench = Bench::new().await;
    let mut draft = bench.world.draft(Verb::Delete, "customers");
    draft.preview = Some(preview());
    let review = bench.held(draft).await;
    let ada = bench.sign_in("ada").await;
    let one = bench.get(&format!("/api/v1/reviews/{}", review.id)).bearer(&ada.token).send().await.json();
    let expected = json!({
        "rows": {"known": "exact", "rows": 42},
        "cascades": [{"object": "public.order_lines", "what": "delete", "rows": {"known": "unknown"}}],
        "notes": ["counted"],
    });
    assert_eq!(one["action"]["preview"], expected);
    let action =
        bench.get(&format!("/api/v1/actions/{}", review.action)).bearer(&ada.token).send().await.json();
    assert_eq!(action["preview"], expected);
    for page in [format!("/reviews/{}", review.id), format!("/actions/{}", review.action)] {
        let page = bench.get(&page).cookie(&ada).send().await;
        assert!(page.text.contains("<b>42 rows</b>, counted"), "{}", page.text);
    }
}

#[tokio::test]
async fn an_action_of_which_nobody_worked_it_out_has_none() {
    let bench = Bench::new().await;
    let review = bench.pending().await;
    let ada = bench.sign_in("ada").await;
    let one = bench.get(&format!("/api/v1/reviews/{}", review.id)).bearer(&ada.token).send().await.json();
    assert_eq!(one["action"].get("preview"), None);
}
