//! What must hold for any bytes whatever? The body of a fuzz target.

use crate::{Catalog, Session, classify, normal_key, preview};

/// Classifies bytes and checks what must hold for every text. Bytes that aren't UTF-8 are no text.
///
/// # Panics
/// When a law is broken; that is what a fuzzer looks for.
pub fn fuzz_classify(bytes: &[u8], catalog: &Catalog) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let session = Session::new("app");
    let verdict = classify(text, catalog, &session);
    assert!(!verdict.effects.is_empty() && !verdict.statements.is_empty());
    for statement in &verdict.statements {
        assert!(!statement.effects.is_empty());
        assert!(statement.span.end <= text.len() && statement.span.start <= statement.span.end);
        assert!(text.is_char_boundary(statement.span.start) && text.is_char_boundary(statement.span.end));
        if let Some(found) = preview::preview(text, statement, catalog, &session, 3) {
            for query in found.count.iter().chain(&found.sample).chain(&found.explain) {
                assert!(classify(query, catalog, &session).reads_only());
            }
        }
    }
    let mut key = Vec::new();
    if normal_key(text, &mut key) {
        let mut again = Vec::new();
        let spaced = format!("/* x */ {text} -- x\n");
        assert!(!normal_key(&spaced, &mut again) || key == again);
    }
}
