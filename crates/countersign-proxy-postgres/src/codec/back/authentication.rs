//! `Authentication…`: what does the server ask before it lets us in?

use crate::codec::WireError;
use crate::codec::cursor::Cursor;

/// A question of the server's login, or its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication<'a> {
    /// Logged in.
    Ok,
    /// The password as it is.
    Cleartext,
    /// The password hashed with MD5 and this salt.
    Md5([u8; 4]),
    /// SASL; these mechanisms are offered.
    Sasl(Vec<&'a str>),
    /// The server's next message within SASL.
    SaslContinue(&'a [u8]),
    /// The server's last message within SASL.
    SaslFinal(&'a [u8]),
    /// Something that the gateway does not speak: Kerberos, GSSAPI, SSPI.
    Other(u32),
}

impl<'a> Authentication<'a> {
    pub(super) fn read(mut cursor: Cursor<'a>) -> Result<Self, WireError> {
        let question = match cursor.u32()? {
            0 => Self::Ok,
            3 => Self::Cleartext,
            5 => Self::Md5(salt(&mut cursor)?),
            10 => Self::Sasl(mechanisms(&mut cursor)?),
            11 => return Ok(Self::SaslContinue(cursor.rest())),
            12 => return Ok(Self::SaslFinal(cursor.rest())),
            other => return Ok(Self::Other(other)),
        };
        cursor.finish()?;
        Ok(question)
    }
}

fn salt(cursor: &mut Cursor<'_>) -> Result<[u8; 4], WireError> {
    cursor.u32().map(u32::to_be_bytes)
}

fn mechanisms<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<&'a str>, WireError> {
    let mut names = Vec::new();
    loop {
        match cursor.text()? {
            "" => return Ok(names),
            name => names.push(name),
        }
    }
}
