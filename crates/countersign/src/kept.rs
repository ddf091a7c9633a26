//! Where do secrets stay that the gateway makes for itself? Each in a file that nobody else may read, made once.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use countersign_core::Entropy;
use countersign_ledger::note::{Algorithm, SigningKey};
use countersign_store::{ContentKey, KEY_BYTES};

/// The bytes of the file, or of the fresh secret that is written there first. Of several processes that come at the
/// same time, all get the same.
pub(crate) fn kept(
    place: &Path,
    fresh: impl FnOnce() -> std::io::Result<Vec<u8>>,
) -> std::io::Result<Vec<u8>> {
    match std::fs::read(place) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        read => return read,
    }
    // Under another name first: a half-written secret would be another one for ever.
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let beside = place.with_file_name(name);
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(&fresh()?)?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&beside, place);
    std::fs::remove_file(&beside)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => std::fs::read(place),
    }
}

/// The key that signs the ledger's checkpoints. `origin` is its name when it is made.
pub(crate) fn log_key(place: &Path, origin: &str, entropy: &dyn Entropy) -> std::io::Result<SigningKey> {
    named_key(place, origin, Algorithm::Ed25519, entropy)
}

/// The key in the file. `name` and `algorithm` are its own when it is made.
pub(crate) fn named_key(
    place: &Path,
    name: &str,
    algorithm: Algorithm,
    entropy: &dyn Entropy,
) -> std::io::Result<SigningKey> {
    let fresh = || {
        let mut random = [0; 32];
        entropy.fill(&mut random);
        let key = SigningKey::generate(name, algorithm, &random).map_err(std::io::Error::other)?;
        Ok(format!("{}\n", key.secret_text()).into_bytes())
    };
    let wrong = |why: String| std::io::Error::new(ErrorKind::InvalidData, why);
    let text = String::from_utf8(kept(place, fresh)?).map_err(|_bytes| wrong("it is not text".to_owned()))?;
    SigningKey::from_secret_text(text.trim()).map_err(|error| wrong(error.to_string()))
}

/// Where the key lies that the ledger's key has replaced, for as long as it signs along.
pub(crate) fn earlier_log_key_place(place: &Path) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(".earlier");
    PathBuf::from(name)
}

/// That key, if there is one.
pub(crate) fn earlier_log_key(place: &Path) -> std::io::Result<Option<SigningKey>> {
    match std::fs::read_to_string(earlier_log_key_place(place)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        text => {
            let wrong = |error: countersign_ledger::note::KeyError| {
                std::io::Error::new(ErrorKind::InvalidData, error.to_string())
            };
            SigningKey::from_secret_text(text?.trim()).map(Some).map_err(wrong)
        }
    }
}

/// Puts `key` into the place of the ledger's key, which signs along from now on.
pub(crate) fn replace_log_key(place: &Path, key: &SigningKey) -> std::io::Result<()> {
    let earlier = earlier_log_key_place(place);
    let mut name = place.as_os_str().to_owned();
    name.push(".next");
    let next = PathBuf::from(name);
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&next)?;
    file.write_all(format!("{}\n", key.secret_text()).as_bytes())?;
    file.sync_all()?;
    // Before the new key counts, so that a crash in between leaves the one that there was, and nothing lost.
    std::fs::hard_link(place, &earlier)?;
    std::fs::rename(&next, place)?;
    File::open(place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?
        .sync_all()
}

/// The key that wraps those under which content is sealed. In the file it is in base64.
pub(crate) fn content_key(place: &Path, entropy: &dyn Entropy) -> std::io::Result<ContentKey> {
    let fresh = || {
        let mut random = [0; KEY_BYTES];
        entropy.fill(&mut random);
        Ok(format!("{}\n", BASE64.encode(random)).into_bytes())
    };
    let wrong = || std::io::Error::new(ErrorKind::InvalidData, "it does not hold 32 bytes in base64");
    let text = kept(place, fresh)?;
    let bytes = BASE64.decode(text.trim_ascii()).ok().and_then(|bytes| bytes.try_into().ok());
    ContentKey::new(&bytes.ok_or_else(wrong)?).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests;
