//! Which files do pages load? A handful, compiled in, under names that change with their content.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use countersign_core::Digest;
use http::header;

use crate::api::PathText;
use crate::codes::{Code, Problem};

struct Asset {
    stem: &'static str,
    extension: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const ASSETS: [Asset; 7] = [
    Asset {
        stem: "console",
        extension: "css",
        kind: "text/css; charset=utf-8",
        bytes: include_bytes!("assets/console.css"),
    },
    Asset {
        stem: "console",
        extension: "js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("assets/console.js"),
    },
    Asset {
        stem: "passkeys",
        extension: "js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("assets/passkeys.js"),
    },
    Asset {
        stem: "enter",
        extension: "js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("assets/enter.js"),
    },
    Asset {
        stem: "receipt",
        extension: "js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("assets/receipt.js"),
    },
    Asset {
        stem: "verify",
        extension: "js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("assets/verify.js"),
    },
    Asset { stem: "mark", extension: "svg", kind: "image/svg+xml", bytes: include_bytes!("assets/mark.svg") },
];

/// The names with their content's hash, in the order of [`ASSETS`].
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    ASSETS
        .iter()
        .map(|asset| format!("{}.{}.{}", asset.stem, Digest::of(asset.bytes).short(), asset.extension))
        .collect()
});

/// The address of the asset `file`, for example `console.css`.
pub(crate) fn url(file: &str) -> String {
    let found = ASSETS.iter().zip(NAMES.iter()).find(|(asset, _)| {
        file.strip_prefix(asset.stem).and_then(|rest| rest.strip_prefix('.')) == Some(asset.extension)
    });
    found.map_or_else(String::new, |(_, name)| format!("/assets/{name}"))
}

/// `GET /assets/{name}`.
pub(crate) async fn serve(path: PathText) -> Result<Response, Problem> {
    let found = NAMES.iter().zip(&ASSETS).find(|(name, _)| **name == path.0);
    let (_, asset) = found.ok_or_else(|| Problem::plain(Code::NotFound))?;
    let headers =
        [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.bytes).into_response())
}

#[cfg(test)]
mod tests {
    //! Every file that pages name exists, and nothing in it reaches outside.

    use super::{ASSETS, NAMES, url};

    #[test]
    fn an_asset_is_served_under_a_name_that_carries_its_hash() {
        for (asset, name) in ASSETS.iter().zip(NAMES.iter()) {
            assert_eq!(url(&format!("{}.{}", asset.stem, asset.extension)), format!("/assets/{name}"));
            assert_eq!(name.split('.').count(), 3, "{name}");
        }
    }

    #[test]
    fn assets_name_no_other_site_and_use_no_way_to_turn_text_into_markup_or_code() {
        for asset in &ASSETS {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            let text = text.replace("http://www.w3.org/2000/svg", "");
            for bad in [
                "http:",
                "https:",
                "//cdn",
                "@import",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "eval(",
                "document.write",
                "new Function",
            ] {
                assert!(!text.contains(bad), "{} contains {bad}", asset.stem);
            }
        }
    }
}
