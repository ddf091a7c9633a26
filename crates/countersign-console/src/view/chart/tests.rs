//! Every entry stands in one bar, and there are never many bars.

use countersign_core::{AuditQuery, AuditTimes, Bearing, Timestamp};

use super::{Chart, chart, total};

fn times(micros: &[i64]) -> AuditTimes {
    let marks = micros
        .iter()
        .zip(Bearing::ALL.into_iter().cycle())
        .map(|(micros, bearing)| (Timestamp::from_micros(*micros), bearing))
        .collect();
    AuditTimes { marks, looked_back_to: None }
}

#[test]
fn whatever_the_span_all_are_counted_in_few_bars() {
    let first = 1_795_316_412_345_678;
    for span in
        [0, 1, 999_999, 1_000_000, 47_999_999, 48_000_000, 86_400_000_000, 31_536_000_000_000, 1 << 60]
    {
        let some: Vec<i64> = (0..100).map(|at| first + span / 99 * at).chain([first + span]).collect();
        let chart = Chart::of(&times(&some)).unwrap();
        assert_eq!(chart.bars.iter().map(total).sum::<u64>(), 101, "{span}");
        assert!((1..=50).contains(&chart.bars.len()), "{span}: {} bars", chart.bars.len());
        assert!(chart.begins(0).as_micros() <= first && chart.step >= 1_000_000);
    }
    assert_eq!(Chart::of(&times(&[])), None);
}

#[test]
fn a_bar_narrows_the_page_to_its_own_time_and_keeps_the_rest() {
    let second = 1_000_000;
    let query = AuditQuery {
        kind: Some("approval".to_owned()),
        until: Some(Timestamp::from_micros(12_500_000)),
        cursor: Some(9),
        ..AuditQuery::default()
    };
    let drawn = chart(&query, &times(&[10 * second, 12 * second])).into_string();
    let first = "/audit?kind=approval&amp;from=1970-01-01T00%3A00%3A10.000000Z&amp;until=1970-01-01T00%3A00%3A11.000000Z\"";
    assert!(drawn.contains(first), "{drawn}");
    assert!(drawn.contains("until=1970-01-01T00%3A00%3A12.500000Z"), "{drawn}");
    assert!(drawn.contains("aria-label=\"1970-01-01 00:00:12 UTC: 1 held\""), "{drawn}");
    assert!(!drawn.contains("cursor"), "{drawn}");
}
