mod golden;
mod laws;
mod oracle;
mod server;
mod tables;

use std::sync::LazyLock;

use crate::{Detectors, Found, Key, Kind, Masked, Masking, Mode, Scratch};

/// Building the automaton takes longer than a thousand scans.
static ALL: LazyLock<Detectors> = LazyLock::new(|| Detectors::new(Kind::ALL).unwrap());

/// `value` masked by all kinds; `None` for NULL.
fn masked_bytes(value: &[u8], mode: Mode, kinds: &[Kind], text: bool) -> (Option<Vec<u8>>, Found) {
    let (mut scratch, mut out, mut found) = (Scratch::new(), Vec::new(), Found::default());
    let some = (kinds != Kind::ALL).then(|| Detectors::new(kinds).unwrap());
    let detectors = some.as_ref().unwrap_or(&ALL);
    let key = Key::new(&[7; 32]);
    let masking = Masking { mode, key: &key };
    let scan = if text { Detectors::mask_text } else { Detectors::scan };
    let masked = match scan(detectors, &mut scratch, value, &mut out, masking, &mut found) {
        Masked::Same(same) => Some(same.to_vec()),
        Masked::Changed => Some(out),
        Masked::Null => None,
    };
    (masked, found)
}

fn masked(value: &str, mode: Mode, kinds: &[Kind]) -> String {
    String::from_utf8(masked_bytes(value.as_bytes(), mode, kinds, false).0.unwrap()).unwrap()
}

/// A repeatable source of noise.
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % limit
    }

    fn text(&mut self, alphabet: &str, length: usize) -> String {
        let characters: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| characters[self.below(characters.len())]).collect()
    }
}
