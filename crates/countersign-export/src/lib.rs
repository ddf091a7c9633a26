//! How does an entry of the ledger read in the words of other people's systems? One entry in, one event out: OCSF,
//! OpenTelemetry, CEF, or a line of JSON, alone or in a syslog frame.
//!
//! This crate is pure: it knows no store, socket or clock. An event is made from an [`Entry`], and an entry holds no
//! content but what a [`Disclosure`] names, so nothing else can leave. All of these are copies; what proves something is
//! the ledger, and each event says where in it the entry stands.

mod cef;
mod content;
mod entry;
mod json;
mod meaning;
mod ocsf;
pub mod otlp;
mod syslog;

pub use content::{CONTENT_NAMES, Disclosure};
pub use entry::{Entry, EntryError};

/// How an export's text lines are written. OTLP has no lines: see [`otlp::request`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFormat {
    /// The leaf as it is, with its place.
    Json,
    /// An event of OCSF 1.5.0.
    Ocsf,
    /// Common Event Format; holds less than the others.
    Cef,
}

impl Entry {
    /// The entry as one line, without a line feed.
    ///
    /// # Errors
    /// When it can't be written as JSON.
    pub fn line(&self, format: LineFormat) -> Result<String, EntryError> {
        match format {
            LineFormat::Json => json::line(self),
            LineFormat::Ocsf => Ok(json::one_line(&ocsf::event(self).to_string())),
            LineFormat::Cef => Ok(cef::line(self)),
        }
    }

    /// The entry as one syslog message of RFC 5424, framed by its length as in RFC 6587.
    ///
    /// # Errors
    /// As [`Entry::line`].
    pub fn syslog(&self, format: LineFormat) -> Result<Vec<u8>, EntryError> {
        Ok(syslog::frame(self, &self.line(format)?))
    }
}

/// What receivers see as the product.
const PRODUCT: &str = "Countersign";
/// Its version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod fixtures;
