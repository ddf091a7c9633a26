use super::*;

#[test]
fn seconds_are_written_as_dates() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (951_868_800, "2000-03-01T00:00:00Z"),
        (1_679_315_147, "2023-03-20T12:25:47Z"),
        (1_709_164_800, "2024-02-29T00:00:00Z"),
        (1_735_689_599, "2024-12-31T23:59:59Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
        (253_402_300_800, "253402300800 seconds since 1970"),
    ] {
        assert_eq!(utc(seconds), text);
    }
}

#[test]
fn what_has_no_shape_is_spelled_out() {
    assert_eq!(visible("plain äöü 漢字 – “ok”"), "plain äöü 漢字 – “ok”");
    assert_eq!(visible("a\u{1b}[2Jb\u{202e}c\u{200b}\u{9b}\n"), r"a\u{1b}[2Jb\u{202e}c\u{200b}\u{9b}\u{a}");
    assert_eq!(shown(&"é".repeat(100)).chars().count(), 80);
}
