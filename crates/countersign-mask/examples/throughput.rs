//! How many bytes per second does content masking read? Run with
//! `cargo run --release -p countersign-mask --example throughput`; one JSON line for each kind of data.
//! A word behind it (`-- base64`) measures only the kinds that contain it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use countersign_mask::{Detectors, Found, Key, Kind, Masking, Mode, Scratch};

const BYTES: usize = 8 << 20;
const ROUNDS: usize = 5;

/// A repeatable source of noise: xorshift.
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 20) % u64::try_from(limit).unwrap_or(1)).unwrap_or(0)
    }

    fn pick<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among.get(self.below(among.len())).copied().unwrap_or("")
    }

    fn text(&mut self, alphabet: &str, length: usize) -> String {
        (0..length)
            .map(|_| alphabet.chars().nth(self.below(alphabet.chars().count())).unwrap_or(' '))
            .collect()
    }

    fn digits(&mut self, length: usize) -> String {
        self.text("0123456789", length)
    }
}

const WORDS: &[&str] = &[
    "order",
    "shipped",
    "the",
    "customer",
    "asked",
    "about",
    "invoice",
    "pending",
    "north",
    "task",
    "warehouse",
    "risk",
    "blue",
    "meeting",
    "report",
    "quarter",
    "please",
    "check",
    "status",
    "and",
    "basic",
    "token",
];
const WIDE: &[&str] =
    &["Überweisung", "größe", "naïve", "東京都", "москва", "Łódź", "señor", "ελλάδα", "smörgås", "数据"];
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const MIXED: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@.:/=_-+ \"'";

fn prose(noise: &mut Noise, words: &[&str], count: usize) -> String {
    (0..count).map(|_| noise.pick(words)).collect::<Vec<_>>().join(" ")
}

/// One cell of a row with personal data, of five shapes.
fn personal(noise: &mut Noise) -> String {
    match noise.below(5) {
        0 => format!("{}.{}@example.com", noise.pick(WORDS), noise.pick(WORDS)),
        1 => "4111 1111 1111 1111".to_owned(),
        2 => format!("{}-45-{}", 100 + noise.below(400), 1000 + noise.below(8999)),
        3 => format!("DE89370400440532013000 {}", noise.pick(WORDS)),
        _ => format!("password={}", noise.text(BASE64, 12)),
    }
}

/// Makes one cell.
type Cell = fn(&mut Noise) -> String;

/// Cells, as a row's columns come: short text, numbers, dates.
const KINDS: &[(&str, Cell)] = &[
    ("clean_rows", |noise| match noise.below(4) {
        0 => {
            format!("2026-{:02}-{:02} 12:{:02}:07", 1 + noise.below(12), 1 + noise.below(28), noise.below(60))
        }
        1 => noise.digits(6),
        2 => prose(noise, WORDS, 3),
        _ => prose(noise, WORDS, 12),
    }),
    ("personal_rows", |noise| if noise.below(2) == 0 { personal(noise) } else { prose(noise, WORDS, 6) }),
    ("only_personal", personal),
    ("prose_4k", |noise| prose(noise, WORDS, 600)),
    ("base64", |noise| noise.text(BASE64, 512)),
    ("digits_separators", |noise| noise.text("0123456789 -.", 256)),
    ("digit_groups", |noise| (0..40).map(|_| noise.digits(4)).collect::<Vec<_>>().join("-")),
    ("cards_16", |noise| (0..16).map(|_| noise.digits(16)).collect::<Vec<_>>().join(" ")),
    ("non_ascii", |noise| prose(noise, WIDE, 20)),
    ("mixed_noise", |noise| noise.text(MIXED, 256)),
    ("json", |noise| {
        format!(
            "{{\"id\":{},\"name\":\"{}\",\"note\":\"{}\"}}",
            noise.digits(7),
            noise.pick(WORDS),
            prose(noise, WORDS, 9)
        )
    }),
    // Long values that would be walked to their end again from each of their words.
    ("hostile_tokens", |noise| {
        noise.pick(&["sk-", "ghp_", "csa_", "ghp_....", "SG.", "npm_"]).repeat(20_000)
    }),
    ("hostile_jwts", |noise| noise.pick(&["-eyJ", "eyJabcdefg.", "-eyJabcdefg.-"]).repeat(20_000)),
    ("hostile_urls", |noise| noise.pick(&["://a:", "://a@", "://:@:"]).repeat(20_000)),
    ("hostile_assignments", |noise| {
        noise.pick(&["password=", "password=\"", "password='\\", "pwd:\"x", "secret=\"pwd='"]).repeat(10_000)
    }),
    ("hostile_bearers", |noise| noise.pick(&["bearer ", "bearer abcdefghijklmnopq."]).repeat(10_000)),
    ("hostile_at_signs", |noise| format!("{}@", noise.text("abc.", 12)).repeat(4000)),
    ("hostile_ibans", |noise| format!("DE{} ", noise.digits(2)).repeat(10_000)),
    ("hostile_pem", |_| "-----BEGIN PRIVATE KEY-----".repeat(2000)),
];

fn cells(cell: Cell) -> Vec<String> {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let mut cells = Vec::new();
    let mut bytes = 0;
    while bytes < BYTES {
        let next = cell(&mut noise);
        bytes += next.len();
        cells.push(next);
    }
    cells
}

#[expect(clippy::disallowed_methods, reason = "this measures")]
fn measure(detectors: &Detectors, cells: &[String], mode: Mode, found: &mut Found) -> Duration {
    let key = Key::new(&[7; 32]);
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    let started = Instant::now();
    for cell in cells {
        out.clear();
        black_box(detectors.scan(
            &mut scratch,
            cell.as_bytes(),
            &mut out,
            Masking { mode, key: &key },
            found,
        ));
    }
    started.elapsed()
}

#[expect(clippy::print_stdout, reason = "this measures, for people and programs")]
fn main() -> Result<(), countersign_mask::BuildDetectorsError> {
    let detectors = Detectors::new(&Kind::defaults())?;
    let wanted = std::env::args().nth(1).unwrap_or_default();
    for (name, cell) in KINDS.iter().filter(|(name, _)| name.contains(&wanted)) {
        let cells = cells(*cell);
        let bytes: usize = cells.iter().map(String::len).sum();
        let mut found = Found::default();
        let times = (0..ROUNDS).map(|_| measure(&detectors, &cells, Mode::Partial, &mut found));
        let best = times.min().unwrap_or_default();
        let rate = u128::try_from(bytes).unwrap_or(0) * 1000 / best.as_nanos().max(1);
        let count = found.total() / u64::try_from(ROUNDS).unwrap_or(1);
        println!(
            "{{\"name\":\"mask_{name}\",\"value\":{rate},\"unit\":\"MB/s\",\"n\":{},\"found\":{count}}}",
            cells.len()
        );
    }
    Ok(())
}
