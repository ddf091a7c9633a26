//! Where is a receipt checked that nobody has to be believed? In the reader's browser, by a script that hashes what it
//! shows. Without a script nothing is claimed.

use maud::{Markup, html};

use crate::assets;

/// The page for receipts from files.
pub(crate) const PATH: &str = "/audit/verify";

/// The page on which a receipt that somebody brings along is checked.
pub(crate) fn page(log_key: &str) -> Markup {
    html! {
        header.headline {
            p.dim { a href="/audit" { "Audit" } " / receipt" }
            h1 { "Verify a receipt" }
            p.lead { "Neither the file nor the key leaves this browser." }
        }
        (panel(log_key, None))
    }
}

/// The panel. `receipt` is where the receipt is fetched; without one a file is asked for.
pub(crate) fn panel(log_key: &str, receipt: Option<&str>) -> Markup {
    html! {
        section.card #verify aria-labelledby="verify-title" data-module=(assets::url("receipt.js")) data-receipt=[receipt] {
            h2 #verify-title { "Verify in this browser" }
            p.dim {
                "A script hashes every entry and every value of the receipt, checks the proofs and the signature, and shows exactly what it hashed. "
                "It comes to the same verdict as " code { "countersign verify" } "."
            }
            form {
                @if receipt.is_none() {
                    label { "Receipt " input type="file" name="file" accept=".json,application/json" required; }
                    p.small.dim { "Or drop the file anywhere on this card." }
                }
                label { "Keys, one a line " textarea name="key" rows="2" maxlength="65536" spellcheck="false" autocomplete="off" required { (log_key) } }
                p.small.dim {
                    "This key comes from the server that hands out the receipt, which proves less: paste the one that you, or your auditor, got from "
                    code { "countersign ledger key" } " and kept. Keys of witnesses may stand beside it."
                }
                details {
                    summary { "Witnesses" }
                    label { "So many of the witnesses above must have cosigned " input type="number" name="witnesses" value="0" min="0" max="64"; }
                }
                p.buttons { button disabled { "Verify this receipt" } }
            }
            noscript { p.alert { "This needs JavaScript. Download the receipt, and check it with " code { "countersign verify" } "." } }
            div #verdict {}
        }
    }
}
