//! How is a place written? `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]`, each in exactly one way, so that a
//! place has one path and a path one place.

use std::fmt;
use std::str::FromStr;

use super::{Bundle, LEVEL_MAX, PlaceError, TILE_WIDTH, Tile};
use crate::text::{all_digits, decimal, shown};

/// What a path below a log's prefix names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TilePath {
    /// Hashes.
    Tile(Tile),
    /// Entries.
    Entries(Bundle),
}

/// Why a text is not a path of a tile or bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It doesn't begin with `tile/` and a level or `entries`.
    #[error("a tile's path is `tile/<level>/<index>` or `tile/entries/<index>`, not `{0}`")]
    Shape(String),
    /// The level is not a number from 0 to 63 without leading zeros.
    #[error("`{0}` is not a level from 0 to 63")]
    Level(String),
    /// The index is not written in groups of three digits, all but the last behind an `x`, the first not `x000`.
    #[error("`{0}` is not an index like `067` or `x001/x234/067`")]
    Index(String),
    /// The width is not a number from 1 to 255 without leading zeros.
    #[error("`{0}` is not a width from 1 to 255")]
    Width(String),
    /// There is no such place.
    #[error(transparent)]
    Place(#[from] PlaceError),
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        write_place(f, self.index, self.width)
    }
}

impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tile/entries/")?;
        write_place(f, self.index, self.width)
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tile(tile) => tile.fmt(f),
            Self::Entries(bundle) => bundle.fmt(f),
        }
    }
}

fn write_place(f: &mut fmt::Formatter<'_>, index: u64, width: u16) -> fmt::Result {
    write_groups(f, index / 1000)?;
    write!(f, "{:03}", index % 1000)?;
    if width < TILE_WIDTH { write!(f, ".p/{width}") } else { Ok(()) }
}

fn write_groups(f: &mut fmt::Formatter<'_>, index: u64) -> fmt::Result {
    if index == 0 {
        return Ok(());
    }
    write_groups(f, index / 1000)?;
    write!(f, "x{:03}/", index % 1000)
}

/// No index has more groups of three digits; longer texts are not read.
const GROUPS_MAX: usize = 7;

impl FromStr for TilePath {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        let shape = || PathError::Shape(shown(path));
        let (level, place) =
            path.strip_prefix("tile/").and_then(|rest| rest.split_once('/')).ok_or_else(shape)?;
        let (index, width) = match place.split_once(".p/") {
            None => (place, TILE_WIDTH),
            Some((index, width)) => (index, read_width(width)?),
        };
        let index = read_index(index)?;
        if level == "entries" {
            return Ok(Self::Entries(Bundle::new(index, width)?));
        }
        let level = decimal(level)
            .filter(|level| *level <= u64::from(LEVEL_MAX))
            .and_then(|level| u8::try_from(level).ok())
            .ok_or_else(|| PathError::Level(shown(level)))?;
        Ok(Self::Tile(Tile::new(level, index, width)?))
    }
}

fn read_width(text: &str) -> Result<u16, PathError> {
    decimal(text)
        .filter(|width| (1..u64::from(TILE_WIDTH)).contains(width))
        .and_then(|width| u16::try_from(width).ok())
        .ok_or_else(|| PathError::Width(shown(text)))
}

fn read_index(text: &str) -> Result<u64, PathError> {
    let wrong = || PathError::Index(shown(text));
    let groups = text.split('/').count();
    if groups > GROUPS_MAX {
        return Err(wrong());
    }
    let mut index = 0_u64;
    for (at, group) in text.split('/').enumerate() {
        let last = at + 1 == groups;
        let digits = if last { Some(group) } else { group.strip_prefix('x') };
        let digits = digits.filter(|digits| digits.len() == 3 && all_digits(digits)).ok_or_else(wrong)?;
        if at == 0 && !last && digits == "000" {
            return Err(wrong());
        }
        let digits: u64 = digits.parse().map_err(|_cause| wrong())?;
        index = index.checked_mul(1000).and_then(|index| index.checked_add(digits)).ok_or_else(wrong)?;
    }
    Ok(index)
}
