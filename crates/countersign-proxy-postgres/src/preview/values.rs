//! How is a value shown to people who decide, and how is a plan's estimate read?

use countersign_mask::{Detectors, Found, Key, Kind, Masked, Masking, Mode, Scratch};
use serde_json::Value;

/// What the name of a sample's column ends with that holds the value after an UPDATE.
pub(super) const ONLY_AFTER: &str = " (after)";
/// Longer values are cut; people decide by seeing which row it is.
const SHOWN_CHARS: usize = 200;

/// Masks whatever looks like an address, a number of a card, a secret: people decide about rows, not about them.
pub(super) struct Disguise {
    detectors: Detectors,
    scratch: Scratch,
    found: Found,
    key: Key,
}

impl Disguise {
    /// `None` when the detectors can't be built; nothing is shown then.
    pub(super) fn new() -> Option<Self> {
        let detectors = Detectors::new(&Kind::defaults()).ok()?;
        // Never used: partial masks need no key.
        let key = Key::new(&[0; 32]);
        Some(Self { detectors, scratch: Scratch::new(), found: Found::default(), key })
    }

    pub(super) fn cell(&mut self, value: Option<&[u8]>) -> Option<String> {
        let value = value?;
        let mut out = Vec::new();
        let masking = Masking { mode: Mode::Partial, key: &self.key };
        let masked = self.detectors.scan(&mut self.scratch, value, &mut out, masking, &mut self.found);
        let bytes = match masked {
            Masked::Same(bytes) => bytes,
            Masked::Changed => out.as_slice(),
            Masked::Null => return None,
        };
        let text = String::from_utf8_lossy(bytes);
        let count = text.chars().count();
        if count <= SHOWN_CHARS {
            return Some(text.into_owned());
        }
        let cut: String = text.chars().take(SHOWN_CHARS).collect();
        Some(format!("{cut}… ({count} characters)"))
    }
}

/// The number of rows that a plan expects: of a change that of the plan below it, because it says 0 itself.
pub(super) fn estimated_rows(plan: &str) -> Option<u64> {
    let plan: Value = serde_json::from_str(plan).ok()?;
    let top = plan.get(0)?.get("Plan")?;
    let changes = top.get("Node Type").and_then(Value::as_str) == Some("ModifyTable");
    let below = top.get("Plans").and_then(|plans| plans.get(0)).filter(|_| changes).unwrap_or(top);
    below.get("Plan Rows")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_sensitive_is_masked_and_long_values_say_that_they_were_cut() {
        let mut disguise = Disguise::new().unwrap();
        let shown = disguise.cell(Some(b"ada@example.com")).unwrap();
        assert!(!shown.contains("ada@example.com"), "{shown}");
        assert_eq!(disguise.cell(Some(b"42")).as_deref(), Some("42"));
        assert_eq!(disguise.cell(None), None);
        let long = "x y ".repeat(100);
        assert!(disguise.cell(Some(long.as_bytes())).unwrap().ends_with("… (400 characters)"));
    }

    #[test]
    fn the_estimate_is_that_of_the_query_or_of_the_plan_below_the_change() {
        let plan = r#"[{"Plan":{"Node Type":"ModifyTable","Plan Rows":0,"Plans":[{"Plan Rows":5000}]}}]"#;
        assert_eq!(estimated_rows(plan), Some(5000));
        let query =
            r#"[{"Plan":{"Node Type":"Append","Plan Rows":70,"Plans":[{"Plan Rows":20},{"Plan Rows":50}]}}]"#;
        assert_eq!(estimated_rows(query), Some(70));
        assert_eq!(estimated_rows("[]"), None);
    }
}
