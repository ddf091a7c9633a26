//! Which characters does a reader miss or mistake, and what are they called?

/// The name of a character that is invisible, reorders text, or passes for another. `None` for ordinary ones.
pub(super) fn name_of(c: char) -> Option<String> {
    let code = u32::from(c);
    if let Ok(at) = NAMED.binary_search_by_key(&code, |(code, _)| *code) {
        return NAMED.get(at).map(|(_, name)| (*name).to_owned());
    }
    let name = match code {
        0x00..=0x1F => return C0.get(usize::try_from(code).ok()?).map(|name| (*name).to_owned()),
        0x7F => "DELETE",
        0x80..=0x9F => "CONTROL CHARACTER",
        0x300..=0x36F
        | 0x483..=0x489
        | 0x1AB0..=0x1AFF
        | 0x1DC0..=0x1DFF
        | 0x20D0..=0x20FF
        | 0xFE20..=0xFE2F => "COMBINING MARK",
        0x2000..=0x200A => "UNUSUAL SPACE",
        0x2061..=0x2064 => "INVISIBLE OPERATOR",
        0x2065 | 0xFFF0..=0xFFF8 => "INVISIBLE CHARACTER",
        0x206A..=0x206F => "DEPRECATED FORMAT CHARACTER",
        0x2160..=0x217F => "ROMAN NUMERAL THAT LOOKS LIKE LETTERS",
        0xE000..=0xF8FF | 0xF_0000..=0x10_FFFD => "PRIVATE USE",
        0xFDD0..=0xFDEF => "NONCHARACTER",
        0xFE00..=0xFE0F => "VARIATION SELECTOR",
        0xFF01..=0xFF5E if imitates_syntax(code) => return Some(twin_name("FULLWIDTH", code - 0xFEE0)),
        0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A => "INVISIBLE FORMAT CHARACTER",
        0x1D400..=0x1D7FF => "MATHEMATICAL LETTER OR DIGIT",
        0xE0020..=0xE007E => return Some(twin_name("TAG", code - 0xE0000)),
        0xE0000..=0xE007F => "TAG CHARACTER",
        0xE0100..=0xE01EF => "VARIATION SELECTOR",
        0xE0080..=0xE0FFF => "INVISIBLE CHARACTER",
        _ if code & 0xFFFE == 0xFFFE => "NONCHARACTER",
        _ => return None,
    };
    Some(name.to_owned())
}

/// Fullwidth letters, digits and the signs that mean something in code; the others are ordinary in CJK text.
fn imitates_syntax(code: u32) -> bool {
    let twin = char::from_u32(code - 0xFEE0).unwrap_or(' ');
    twin.is_ascii_alphanumeric() || "$&'*+-./:;<=>@[\\]^_`{|}~\"#%".contains(twin)
}

fn twin_name(kind: &str, twin: u32) -> String {
    match char::from_u32(twin).filter(|c| c.is_ascii_graphic()) {
        Some(twin) => format!("{kind} {twin}"),
        None => format!("{kind} SPACE"),
    }
}

/// The script and the Latin letter that this letter is easily taken for.
pub(super) fn lookalike(c: char) -> Option<(&'static str, char)> {
    let at = LOOKALIKES.binary_search_by_key(&c, |(letter, _)| *letter).ok()?;
    let (_, twin) = LOOKALIKES.get(at)?;
    let script = match u32::from(c) {
        0x370..=0x3FF => "GREEK",
        0x400..=0x52F => "CYRILLIC",
        0x531..=0x589 => "ARMENIAN",
        _ => "LATIN EXTENDED",
    };
    Some((script, *twin))
}

const C0: [&str; 32] = [
    "NULL",
    "START OF HEADING",
    "START OF TEXT",
    "END OF TEXT",
    "END OF TRANSMISSION",
    "ENQUIRY",
    "ACKNOWLEDGE",
    "BELL",
    "BACKSPACE",
    "TAB",
    "LINE FEED",
    "VERTICAL TAB",
    "FORM FEED",
    "CARRIAGE RETURN",
    "SHIFT OUT",
    "SHIFT IN",
    "DATA LINK ESCAPE",
    "DEVICE CONTROL ONE",
    "DEVICE CONTROL TWO",
    "DEVICE CONTROL THREE",
    "DEVICE CONTROL FOUR",
    "NEGATIVE ACKNOWLEDGE",
    "SYNCHRONOUS IDLE",
    "END OF TRANSMISSION BLOCK",
    "CANCEL",
    "END OF MEDIUM",
    "SUBSTITUTE",
    "ESCAPE",
    "FILE SEPARATOR",
    "GROUP SEPARATOR",
    "RECORD SEPARATOR",
    "UNIT SEPARATOR",
];

/// Sorted by code.
const NAMED: [(u32, &str); 54] = [
    (0x85, "NEXT LINE"),
    (0xA0, "NO-BREAK SPACE"),
    (0xAD, "SOFT HYPHEN"),
    (0x34F, "COMBINING GRAPHEME JOINER"),
    (0x37E, "GREEK QUESTION MARK, LOOKS LIKE ;"),
    (0x589, "ARMENIAN FULL STOP, LOOKS LIKE :"),
    (0x61C, "ARABIC LETTER MARK"),
    (0x115F, "HANGUL CHOSEONG FILLER"),
    (0x1160, "HANGUL JUNGSEONG FILLER"),
    (0x1680, "OGHAM SPACE MARK"),
    (0x17B4, "KHMER VOWEL INHERENT AQ"),
    (0x17B5, "KHMER VOWEL INHERENT AA"),
    (0x180B, "MONGOLIAN FREE VARIATION SELECTOR ONE"),
    (0x180C, "MONGOLIAN FREE VARIATION SELECTOR TWO"),
    (0x180D, "MONGOLIAN FREE VARIATION SELECTOR THREE"),
    (0x180E, "MONGOLIAN VOWEL SEPARATOR"),
    (0x200B, "ZERO WIDTH SPACE"),
    (0x200C, "ZERO WIDTH NON-JOINER"),
    (0x200D, "ZERO WIDTH JOINER"),
    (0x200E, "LEFT-TO-RIGHT MARK"),
    (0x200F, "RIGHT-TO-LEFT MARK"),
    (0x2010, "HYPHEN, LOOKS LIKE -"),
    (0x2011, "NON-BREAKING HYPHEN, LOOKS LIKE -"),
    (0x2024, "ONE DOT LEADER, LOOKS LIKE ."),
    (0x2028, "LINE SEPARATOR"),
    (0x2029, "PARAGRAPH SEPARATOR"),
    (0x202A, "LEFT-TO-RIGHT EMBEDDING"),
    (0x202B, "RIGHT-TO-LEFT EMBEDDING"),
    (0x202C, "POP DIRECTIONAL FORMATTING"),
    (0x202D, "LEFT-TO-RIGHT OVERRIDE"),
    (0x202E, "RIGHT-TO-LEFT OVERRIDE"),
    (0x202F, "NARROW NO-BREAK SPACE"),
    (0x2044, "FRACTION SLASH, LOOKS LIKE /"),
    (0x205F, "MEDIUM MATHEMATICAL SPACE"),
    (0x2060, "WORD JOINER"),
    (0x2066, "LEFT-TO-RIGHT ISOLATE"),
    (0x2067, "RIGHT-TO-LEFT ISOLATE"),
    (0x2068, "FIRST STRONG ISOLATE"),
    (0x2069, "POP DIRECTIONAL ISOLATE"),
    (0x2212, "MINUS SIGN, LOOKS LIKE -"),
    (0x2215, "DIVISION SLASH, LOOKS LIKE /"),
    (0x2216, "SET MINUS, LOOKS LIKE \\"),
    (0x2223, "DIVIDES, LOOKS LIKE |"),
    (0x2236, "RATIO, LOOKS LIKE :"),
    (0x2800, "BRAILLE PATTERN BLANK"),
    (0x3000, "IDEOGRAPHIC SPACE"),
    (0x3164, "HANGUL FILLER"),
    (0xFEFF, "ZERO WIDTH NO-BREAK SPACE"),
    (0xFFA0, "HALFWIDTH HANGUL FILLER"),
    (0xFFF9, "INTERLINEAR ANNOTATION ANCHOR"),
    (0xFFFA, "INTERLINEAR ANNOTATION SEPARATOR"),
    (0xFFFB, "INTERLINEAR ANNOTATION TERMINATOR"),
    (0xFFFC, "OBJECT REPLACEMENT CHARACTER"),
    (0xFFFD, "REPLACEMENT CHARACTER"),
];

/// Sorted by letter.
const LOOKALIKES: [(char, char); 66] = [
    ('ı', 'i'),
    ('ſ', 's'),
    ('ǃ', '!'),
    ('ɑ', 'a'),
    ('ɡ', 'g'),
    ('ɩ', 'i'),
    ('Α', 'A'),
    ('Β', 'B'),
    ('Ε', 'E'),
    ('Ζ', 'Z'),
    ('Η', 'H'),
    ('Ι', 'I'),
    ('Κ', 'K'),
    ('Μ', 'M'),
    ('Ν', 'N'),
    ('Ο', 'O'),
    ('Ρ', 'P'),
    ('Τ', 'T'),
    ('Υ', 'Y'),
    ('Χ', 'X'),
    ('α', 'a'),
    ('γ', 'y'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('ν', 'v'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('υ', 'u'),
    ('ϲ', 'c'),
    ('ϳ', 'j'),
    ('Ѕ', 'S'),
    ('І', 'I'),
    ('Ј', 'J'),
    ('А', 'A'),
    ('В', 'B'),
    ('Е', 'E'),
    ('К', 'K'),
    ('М', 'M'),
    ('Н', 'H'),
    ('О', 'O'),
    ('Р', 'P'),
    ('С', 'C'),
    ('Т', 'T'),
    ('У', 'Y'),
    ('Х', 'X'),
    ('а', 'a'),
    ('г', 'r'),
    ('е', 'e'),
    ('к', 'k'),
    ('о', 'o'),
    ('р', 'p'),
    ('с', 'c'),
    ('у', 'y'),
    ('х', 'x'),
    ('ѕ', 's'),
    ('і', 'i'),
    ('ј', 'j'),
    ('һ', 'h'),
    ('Ӏ', 'I'),
    ('ӏ', 'l'),
    ('ԁ', 'd'),
    ('ԛ', 'q'),
    ('ԝ', 'w'),
    ('ո', 'n'),
    ('ս', 'u'),
    ('օ', 'o'),
];

#[cfg(test)]
mod order {
    //! The tables are searched by halves, so their order is part of their meaning.

    #[test]
    fn both_tables_are_sorted_and_without_doubles() {
        assert!(super::NAMED.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(super::LOOKALIKES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
