//! One line per trick.

use super::{Piece, Visible, chip_text};

/// The pieces as one line of text: `↵` line end, `→` tab, `·` trailing space.
fn shown(text: &str) -> String {
    Visible::of(text)
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Chip { code, name, times } => chip_text(*code, name, *times),
            Piece::LineEnd => "↵".to_owned(),
            Piece::Tab => "→".to_owned(),
            Piece::TrailingSpaces(count) => "·".repeat(*count),
        })
        .collect()
}

#[test]
fn every_easily_missed_character_is_named_and_everything_else_is_left_alone() {
    let table = [
        ("DROP TABLE orders;", "DROP TABLE orders;"),
        ("a\u{202E}b\u{202C}", "a⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩b⟨U+202C POP DIRECTIONAL FORMATTING⟩"),
        ("\u{2066}x\u{2069}", "⟨U+2066 LEFT-TO-RIGHT ISOLATE⟩x⟨U+2069 POP DIRECTIONAL ISOLATE⟩"),
        ("ad\u{200B}min", "ad⟨U+200B ZERO WIDTH SPACE⟩min"),
        ("\u{200B}\u{200B}\u{200B}", "⟨U+200B ZERO WIDTH SPACE ×3⟩"),
        ("\u{FEFF}{}", "⟨U+FEFF ZERO WIDTH NO-BREAK SPACE⟩{}"),
        ("a\u{0}b\u{1B}[2J", "a⟨U+0000 NULL⟩b⟨U+001B ESCAPE⟩[2J"),
        ("rm\rls", "rm⟨U+000D CARRIAGE RETURN⟩ls"),
        ("\u{7F}\u{85}\u{9B}", "⟨U+007F DELETE⟩⟨U+0085 NEXT LINE⟩⟨U+009B CONTROL CHARACTER⟩"),
        ("a\u{A0}b\u{3000}c", "a⟨U+00A0 NO-BREAK SPACE⟩b⟨U+3000 IDEOGRAPHIC SPACE⟩c"),
        ("a\u{2003}b", "a⟨U+2003 UNUSUAL SPACE⟩b"),
        ("\u{E0049}\u{E0067}", "⟨U+E0049 TAG I⟩⟨U+E0067 TAG g⟩"),
        ("\u{3164}", "⟨U+3164 HANGUL FILLER⟩"),
        ("x\u{FE0F}", "x⟨U+FE0F VARIATION SELECTOR⟩"),
        ("cafe\u{301}", "cafe⟨U+0301 COMBINING MARK⟩"),
        ("café", "café"),
        ("p\u{430}ypal", "p⟨U+0430 CYRILLIC LETTER THAT LOOKS LIKE a⟩ypal"),
        (
            "\u{441}\u{435}",
            "⟨U+0441 CYRILLIC LETTER THAT LOOKS LIKE c⟩⟨U+0435 CYRILLIC LETTER THAT LOOKS LIKE e⟩",
        ),
        ("удалить все", "удалить все"),
        ("Όλα καλά", "Όλα καλά"),
        ("ａdmin", "⟨U+FF41 FULLWIDTH a⟩dmin"),
        ("删除，好！", "删除，好！"),
        ("../..／etc", "../..⟨U+FF0F FULLWIDTH /⟩etc"),
        (
            "a\u{2215}b \u{2212}rf",
            "a⟨U+2215 DIVISION SLASH, LOOKS LIKE /⟩b ⟨U+2212 MINUS SIGN, LOOKS LIKE -⟩rf",
        ),
        ("a;\u{37E}", "a;⟨U+037E GREEK QUESTION MARK, LOOKS LIKE ;⟩"),
        ("\u{1D5EE}", "⟨U+1D5EE MATHEMATICAL LETTER OR DIGIT⟩"),
        ("\u{E000}\u{FFFE}", "⟨U+E000 PRIVATE USE⟩⟨U+FFFE NONCHARACTER⟩"),
        ("a\n\tb  \nc ", "a↵→b··↵c·"),
        ("a b", "a b"),
        ("", ""),
    ];
    for (input, expected) in table {
        assert_eq!(shown(input), expected, "for {input:?}");
    }
}

#[test]
fn long_runs_are_counted_so_that_nothing_is_pushed_out_of_sight() {
    assert_eq!(shown(&format!("ls{}; rm", " ".repeat(200))), "ls⟨U+0020 SPACE ×200⟩; rm");
    assert_eq!(shown(&format!("ls{}rm", "\n".repeat(90))), "ls⟨U+000A LINE FEED ×90⟩rm");
}

#[test]
fn no_character_of_the_unicode_range_is_lost() {
    for code in 0..=0x10_FFFF_u32 {
        let Some(c) = char::from_u32(code) else { continue };
        let text = format!("a{c}a");
        let total: usize = Visible::of(&text)
            .pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.chars().count(),
                Piece::Chip { times, .. } | Piece::TrailingSpaces(times) => *times,
                Piece::LineEnd | Piece::Tab => 1,
            })
            .sum();
        assert_eq!(total, 3, "U+{code:04X}");
    }
}

#[test]
fn several_lines_stay_several_lines_and_a_flood_of_them_is_counted() {
    assert_eq!(super::visible_lines("a \n\tb\u{1B}c\n"), ["a·", "⇥b⟨U+001B ESCAPE⟩c", ""]);
    let flood = format!("a{}b", "\n".repeat(500));
    assert_eq!(super::visible_lines(&flood), ["a⟨U+000A LINE FEED ×500⟩b"]);
}
