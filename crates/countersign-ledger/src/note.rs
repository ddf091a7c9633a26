//! Who signed this text? Signed notes as the C2SP specification signed-note has them: a text, an empty line, and a
//! line for each signature. Nothing of a note counts before [`Note::verify`] has found a trusted signature.

mod key;
mod signing;

pub use key::{Algorithm, KeyError, VerifierKey};
pub use signing::{Sign, SignError, SigningKey};

use crate::cosignature;
use crate::text::{base64, from_base64, shown};

/// Longer notes are not read.
pub const NOTE_MAX_BYTES: usize = 256 * 1024;

/// Notes with more signatures are not read. The specification asks for at least 16; with signatures of 5 kB that
/// many fit into [`NOTE_MAX_BYTES`] as well.
pub const SIGNATURES_MAX: usize = 64;

const DASH: &str = "\u{2014} ";

/// A text with signatures that nobody has checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<SignatureLine>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    name: String,
    id: u32,
    signature: Vec<u8>,
}

/// Why a text is not a signed note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is too long to be looked at.
    #[error("the note has {0} bytes; at most {NOTE_MAX_BYTES} are read")]
    TooLong(usize),
    /// It isn't UTF-8.
    #[error("the note is not UTF-8")]
    Encoding,
    /// It holds a control character other than the line feed.
    #[error("the note holds the control character U+{0:04X}")]
    Control(u32),
    /// There is no empty line before signatures.
    #[error("the note has no empty line before its signatures")]
    NoSignatures,
    /// A text to be signed doesn't end with a line feed.
    #[error("a note's text ends with a line feed")]
    Unended,
    /// A line behind the text isn't a signature.
    #[error("`{0}` is not a signature line")]
    Line(String),
    /// More signatures than are looked at.
    #[error("the note has more than {SIGNATURES_MAX} signatures")]
    TooMany,
}

/// Why nobody who is trusted signed the note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteVerifyError {
    /// None of the keys has a signature line.
    #[error("no trusted key has signed the note")]
    Unsigned,
    /// A trusted key's signature is wrong; then the whole note is refused.
    #[error("the signature of `{0}` is wrong")]
    Signature(String),
}

/// A trusted key whose signature was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'a> {
    /// The key.
    pub key: &'a VerifierKey,
    /// When a witness cosigned, in seconds since 1970; `None` for a plain signature.
    pub time: Option<u64>,
}

impl SignatureLine {
    /// A signature by `key` in the form of its algorithm.
    pub fn new(key: &VerifierKey, signature: Vec<u8>) -> Self {
        Self { name: key.name().to_owned(), id: key.id(), signature }
    }

    /// The name that the line gives.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key id that the line gives.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The signature behind the key id.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Whether it says that it is by this key: name and id, never one of them.
    pub fn is_by(&self, key: &VerifierKey) -> bool {
        self.name == key.name() && self.id == key.id()
    }

    /// A line without its line feed.
    pub(crate) fn parse(line: &str) -> Result<Self, NoteError> {
        let wrong = || NoteError::Line(shown(line));
        let (name, encoded) =
            line.strip_prefix(DASH).and_then(|rest| rest.split_once(' ')).ok_or_else(wrong)?;
        let bytes = from_base64(encoded).ok_or_else(wrong)?;
        let (id, signature) = bytes.split_first_chunk().ok_or_else(wrong)?;
        if !key::is_name(name) || signature.is_empty() {
            return Err(wrong());
        }
        Ok(Self { name: name.to_owned(), id: u32::from_be_bytes(*id), signature: signature.to_vec() })
    }
}

/// The line with its line feed.
impl std::fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [self.id.to_be_bytes().as_slice(), &self.signature].concat();
        writeln!(f, "{DASH}{} {}", self.name, base64(bytes))
    }
}

impl Note {
    /// A note of `text`, which ends with a line feed, without signatures yet.
    ///
    /// # Errors
    /// When the text can't stand in a note.
    pub fn new(text: String) -> Result<Self, NoteError> {
        check_text(&text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::Unended);
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a signed note. It has at least one signature line.
    ///
    /// # Errors
    /// [`NoteError`]; whatever the specification calls malformed, and whatever is too long.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_MAX_BYTES {
            return Err(NoteError::TooLong(bytes.len()));
        }
        let whole = str::from_utf8(bytes).map_err(|_cause| NoteError::Encoding)?;
        check_text(whole)?;
        let at = whole.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, rest) = whole.split_at_checked(at + 1).ok_or(NoteError::NoSignatures)?;
        let lines = rest.strip_prefix('\n').unwrap_or_default();
        if lines.is_empty() {
            return Err(NoteError::NoSignatures);
        }
        Ok(Self { text: text.to_owned(), signatures: signature_lines(lines)? })
    }

    /// The text, with its last line feed. Believe it only after [`Note::verify`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, unchecked.
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// Adds a signature line.
    pub fn add(&mut self, line: SignatureLine) {
        self.signatures.push(line);
    }

    /// Signs the text with an Ed25519 key.
    ///
    /// # Errors
    /// When the key can't sign, or is one for cosignatures.
    pub fn sign(&mut self, signer: &dyn Sign) -> Result<(), SignError> {
        let key = signer.key();
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(SignError::OtherUse(key.name().to_owned()));
        }
        self.add(SignatureLine::new(key, signer.sign(self.text.as_bytes())?));
        Ok(())
    }

    /// Checks every signature of every one of `keys`; lines of other keys are ignored, as the specification says,
    /// even when they share a name or an id with one of `keys`. Returns one [`Verified`] for each key that signed.
    ///
    /// # Errors
    /// When none of `keys` signed, or one of their signatures is wrong.
    pub fn verify<'a>(&self, keys: &'a [VerifierKey]) -> Result<Vec<Verified<'a>>, NoteVerifyError> {
        let mut verified: Vec<Verified<'a>> = Vec::new();
        for line in &self.signatures {
            for key in keys.iter().filter(|key| line.is_by(key)) {
                let wrong = || NoteVerifyError::Signature(key.name().to_owned());
                let time = self.check(key, line.signature()).ok_or_else(wrong)?;
                if !verified.iter().any(|before| before.key == key) {
                    verified.push(Verified { key, time });
                }
            }
        }
        if verified.is_empty() { Err(NoteVerifyError::Unsigned) } else { Ok(verified) }
    }

    /// `None` when the signature is wrong; otherwise its time, when it has one.
    #[expect(clippy::option_option, reason = "a wrong signature and one without a time are two things")]
    fn check(&self, key: &VerifierKey, signature: &[u8]) -> Option<Option<u64>> {
        match key.algorithm() {
            Algorithm::Ed25519 => key.has_signed(self.text.as_bytes(), signature).then_some(None),
            Algorithm::CosignatureV1 => cosignature::check(key, &self.text, signature).map(Some),
        }
    }
}

/// The whole note, as [`Note::parse`] reads it.
impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| line.fmt(f))
    }
}

/// Signature lines, each with its line feed.
pub(crate) fn signature_lines(lines: &str) -> Result<Vec<SignatureLine>, NoteError> {
    let mut signatures = Vec::new();
    for line in lines.split_inclusive('\n') {
        if signatures.len() == SIGNATURES_MAX {
            return Err(NoteError::TooMany);
        }
        let line = line.strip_suffix('\n').ok_or_else(|| NoteError::Line(shown(line)))?;
        signatures.push(SignatureLine::parse(line)?);
    }
    Ok(signatures)
}

fn check_text(text: &str) -> Result<(), NoteError> {
    match text.chars().find(|letter| *letter < ' ' && *letter != '\n') {
        Some(control) => Err(NoteError::Control(control.into())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
