//! What does a client certificate say about whom it was given to? Its subject and its alternative names, as text that no
//! two certificates share by accident. Whether an authority vouches for it is seen to in the TLS handshake.

use countersign_store::Rule;
use x509_parser::der_parser::asn1_rs::{Any, Tag};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Name};

/// The parts of a certificate by which an agent can be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    subject: String,
    uris: Vec<String>,
    dns: Vec<String>,
}

impl Certificate {
    /// Reads a certificate in DER. `None` when it can't be read as one and nothing more, or holds a name of a kind that
    /// could be written in several ways.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        let subject = rest.is_empty().then(|| distinguished(certificate.subject()))??;
        let (mut uris, mut dns) = (Vec::new(), Vec::new());
        let names = certificate.subject_alternative_name().ok()?;
        for name in names.into_iter().flat_map(|names| names.value.general_names.iter()) {
            match name {
                GeneralName::URI(uri) => uris.push((*uri).to_owned()),
                GeneralName::DNSName(name) => dns.push(name.to_ascii_lowercase()),
                _ => {}
            }
        }
        Some(Self { subject, uris, dns })
    }

    /// Whether it says this.
    pub(crate) fn says(&self, rule: &Rule) -> bool {
        match rule.name.as_str() {
            "subject" => !self.subject.is_empty() && self.subject == rule.value,
            "URI" => self.uris.contains(&rule.value),
            "DNS" => self.dns.contains(&rule.value.to_ascii_lowercase()),
            _ => false,
        }
    }

    /// What people are shown: the first URI, or the subject.
    pub(crate) fn name(&self) -> &str {
        self.uris.first().unwrap_or(&self.subject)
    }
}

/// The name as RFC 4514 writes it, the last part first, as `openssl x509 -nameopt RFC2253` does.
fn distinguished(name: &X509Name<'_>) -> Option<String> {
    let mut text = String::new();
    let mut parts: Vec<_> = name.iter_rdn().collect();
    parts.reverse();
    for (place, relative) in parts.into_iter().enumerate() {
        for (part, attribute) in relative.iter().enumerate() {
            match (place, part) {
                (0, 0) => {}
                (_, 0) => text.push(','),
                (_, _) => text.push('+'),
            }
            let oid = attribute.attr_type().to_id_string();
            text.push_str(short(&oid).unwrap_or(&oid));
            text.push('=');
            escape(value(attribute.attr_value())?, &mut text);
        }
    }
    Some(text)
}

fn short(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.3" => "CN",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.5" => "serialNumber",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        _ => return None,
    })
}

/// Only kinds of text whose bytes are UTF-8.
fn value<'a>(any: &'a Any<'_>) -> Option<&'a str> {
    let known = matches!(any.tag(), Tag::Utf8String | Tag::PrintableString | Tag::Ia5String);
    std::str::from_utf8(any.data).ok().filter(|_| known)
}

/// So that no value can look like a further part.
fn escape(value: &str, text: &mut String) {
    let last = value.chars().count().saturating_sub(1);
    for (place, letter) in value.chars().enumerate() {
        let edge = (place == 0 && matches!(letter, ' ' | '#')) || (place == last && letter == ' ');
        if edge || matches!(letter, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=') {
            text.push('\\');
            text.push(letter);
        } else if letter.is_control() {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                text.push_str(&format!("\\{byte:02X}"));
            }
        } else {
            text.push(letter);
        }
    }
}

#[cfg(test)]
mod tests;
