//! How is a value written again with its findings hidden?

use crate::key::Domain;
use crate::mode::stars;
use crate::spans::{Hidden, Spans};
use crate::{Kind, Masking, Mode, partial};

/// Appends `value` to `out` with each union of `spans` replaced; says whether one union was all of it.
pub(crate) fn write(value: &[u8], spans: &mut Spans, masking: Masking<'_>, out: &mut Vec<u8>) -> bool {
    let (mut at, mut whole) = (0, false);
    for hidden in spans.hidden() {
        whole = hidden.end - hidden.start == value.len();
        out.extend_from_slice(value.get(at..hidden.start).unwrap_or_default());
        replace(value, &hidden, masking, out);
        at = hidden.end;
    }
    out.extend_from_slice(value.get(at..).unwrap_or_default());
    whole
}

fn replace(value: &[u8], hidden: &Hidden, masking: Masking<'_>, out: &mut Vec<u8>) {
    let found = value.get(hidden.start..hidden.end).unwrap_or_default();
    let kind = hidden.longest.kind;
    match masking.mode {
        Mode::Partial if hidden.shown => write_partial(kind, found, hidden.longest.public, out),
        Mode::Partial => stars(found.len(), out),
        Mode::Hash => masking.key.write(Domain::Content(kind.name()), found, out),
        Mode::Drop | Mode::Null => out.extend_from_slice(kind.bracketed()),
    }
}

fn write_partial(kind: Kind, found: &[u8], public: usize, out: &mut Vec<u8>) {
    match kind {
        Kind::Email => partial::email(found, out),
        Kind::Card => partial::card(found, out),
        Kind::Iban => partial::iban(found, out),
        Kind::UsSsn => partial::ssn(found, out),
        Kind::Phone => {
            stars(3, out);
            partial::last_digits(found, out);
        }
        Kind::Ipv4 => partial::ipv4(found, out),
        Kind::PrivateKeyPem => out.extend_from_slice(kind.bracketed()),
        _ => {
            out.extend_from_slice(found.get(..public).unwrap_or_default());
            stars(found.len().saturating_sub(public), out);
        }
    }
}
