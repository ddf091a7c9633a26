use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::tree::{Edge, leaf_hash, node_hash};

fn leaf(at: u64) -> Hash {
    leaf_hash(&at.to_be_bytes())
}

/// A log of `size` leaves: the tree and the full tiles that it gave.
fn grown(size: u64) -> (Tiles, HashMap<Tile, Vec<u8>>) {
    let mut tiles = Tiles::new();
    let mut full = HashMap::new();
    for at in 0..size {
        for done in tiles.push(leaf(at)) {
            assert!(full.insert(done.tile, done.bytes).is_none(), "a tile became full twice");
        }
    }
    (tiles, full)
}

/// RFC 6962, section 2.1, as it is written there.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => crate::tree::EMPTY_ROOT,
        [only] => *only,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&mth(left), &mth(right))
        }
    }
}

/// tlog-tiles: the hashes of a tile, as the specification defines them.
fn defined(tile: Tile, leaves: &[Hash]) -> Vec<u8> {
    let span = 256_usize.pow(u32::from(tile.level()));
    let first = usize::try_from(tile.index()).unwrap() * 256;
    (first..first + usize::from(tile.width()))
        .flat_map(|at| mth(&leaves[at * span..(at + 1) * span]))
        .collect()
}

#[test]
fn paths_are_written_as_the_specification_shows_them() {
    let tile = |level, index, width| Tile::new(level, index, width).unwrap().to_string();
    assert_eq!(tile(0, 0, 256), "tile/0/000");
    assert_eq!(tile(0, 1_234_067, 256), "tile/0/x001/x234/067");
    assert_eq!(tile(1, 999, 17), "tile/1/999.p/17");
    assert_eq!(tile(63, 1000, 255), "tile/63/x001/000.p/255");
    assert_eq!(Bundle::new(273, 112).unwrap().to_string(), "tile/entries/273.p/112");
    assert_eq!(Bundle::new(1_234_067, 256).unwrap().to_string(), "tile/entries/x001/x234/067");
}

#[test]
fn a_path_that_is_written_in_another_way_is_refused() {
    for path in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0//000",
        "tile//000",
        "tile/00/000",
        "tile/01/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/64/000",
        "tile/255/000",
        "tile/256/000",
        "tile/a/000",
        "tile/data/000",
        "tile/Entries/000",
        "tile/entries/",
        "tile/entries/0",
        "tile/entries/0000",
        "tile/entries/x000/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/001/x002",
        "tile/0/x001/002/003",
        "tile/0/x001/x002",
        "tile/0/X001/002",
        "tile/0/x1/002",
        "tile/0/+12",
        "tile/0/ 12",
        "tile/0/12 ",
        "tile/0/٠٠٠",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/-1",
        "tile/0/000.p/+1",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000.P/1",
        "tile/0/000\n",
        "tile/0/../0/000",
        "tile/0/x001/x001/x001/x001/x001/x001/x001/001",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x100/x000/x000/x000/x000/000",
    ] {
        assert!(path.parse::<TilePath>().is_err(), "`{path}` was read as a tile");
    }
}

#[test]
fn places_that_no_tree_has_are_refused() {
    assert_eq!(Tile::new(64, 0, 1), Err(PlaceError::Level(64)));
    assert_eq!(Tile::new(0, 0, 0), Err(PlaceError::Width(0)));
    assert_eq!(Tile::new(0, 0, 257), Err(PlaceError::Width(257)));
    assert_eq!(Tile::new(0, u64::MAX, 1), Err(PlaceError::Index(u64::MAX)));
    assert_eq!(Bundle::new(0, 0), Err(PlaceError::Width(0)));
}

#[test]
fn a_tree_of_70_000_has_the_tiles_that_the_specification_counts() {
    let partials: Vec<String> = Tile::partials(70_000).map(|tile| tile.to_string()).collect();
    assert_eq!(partials, ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
    let full =
        |level| (0..300).filter(|at| Tile::in_tree(level, *at, 70_000).is_some_and(Tile::is_full)).count();
    assert_eq!([full(0), full(1), full(2)], [273, 1, 0]);
    // A tree of 256 has a full tile and one hash above it.
    let partials: Vec<String> = Tile::partials(256).map(|tile| tile.to_string()).collect();
    assert_eq!(partials, ["tile/1/000.p/1"]);
    assert_eq!(Tile::partials(0).count(), 0);
    assert_eq!(Tile::in_tree(0, 0, 256).unwrap().width(), 256);
    assert_eq!(Tile::in_tree(0, 1, 256), None);
    assert_eq!(Bundle::in_tree(273, 70_000).unwrap().width(), 112);
    assert_eq!(Bundle::in_tree(273, 70_000).unwrap().first_entry(), 69_888);
    assert_eq!(Bundle::in_tree(274, 70_000), None);
}

#[test]
fn every_tile_holds_the_hashes_that_the_specification_defines() {
    const SIZE: u64 = 66_000;
    let leaves: Vec<Hash> = (0..SIZE).map(leaf).collect();
    let (tiles, full) = grown(SIZE);
    assert_eq!(full.len(), 258);
    for (tile, bytes) in full {
        assert_eq!(bytes.len(), TILE_BYTES);
        assert!(bytes == defined(tile, &leaves), "{tile}");
    }
    let partials: Vec<Tile> = tiles.partials().map(|(tile, _)| tile).collect();
    assert_eq!(partials, Tile::partials(SIZE).collect::<Vec<_>>());
    for (tile, bytes) in tiles.partials() {
        assert!(bytes == defined(tile, &leaves), "{tile}");
    }
    assert_eq!(tiles.root(), mth(&leaves));
}

#[test]
fn the_partial_tiles_of_every_earlier_size_can_still_be_had() {
    const SIZE: u64 = 1_000;
    let leaves: Vec<Hash> = (0..SIZE).map(leaf).collect();
    let (tiles, full) = grown(SIZE);
    for size in 1..=SIZE {
        for tile in Tile::partials(size) {
            let bytes = tiles.bytes(tile).or_else(|| tile.cut(full.get(&tile.full())?));
            assert_eq!(bytes.unwrap(), defined(tile, &leaves), "{tile} at {size}");
        }
    }
    assert_eq!(tiles.bytes(Tile::partial(0, SIZE).unwrap().full()), None);
    assert_eq!(tiles.bytes(Tile::new(0, 99, 1).unwrap()), None);
    assert_eq!(tiles.bytes(Tile::new(5, 0, 1).unwrap()), None);
}

#[test]
fn a_tree_is_built_again_from_its_full_tiles() {
    for size in [0, 1, 255, 256, 257, 511, 512, 1000, 65_536, 66_000] {
        let (tiles, full) = grown(size);
        let trailing: Vec<Hash> = (size - size % 256..size).map(leaf).collect();
        let mut read = |tile: Tile| full.get(&tile).cloned().ok_or("missing");
        let mut again = Tiles::rebuild(size, &trailing, &mut read).unwrap();
        assert_eq!(again, tiles, "{size}");
        let mut grows = tiles.clone();
        for at in size..size + 300 {
            assert_eq!(again.push(leaf(at)), grows.push(leaf(at)));
        }
        assert_eq!(again.root(), grows.root());
    }
}

#[test]
fn what_is_missing_or_short_is_not_rebuilt_from() {
    let (_, full) = grown(600);
    let trailing: Vec<Hash> = (512..600).map(leaf).collect();
    let mut gone = |tile: Tile| full.get(&tile).cloned().filter(|_| tile.index() != 1).ok_or("gone");
    let tile = Tile::new(0, 1, 256).unwrap();
    assert_eq!(Tiles::rebuild(600, &trailing, &mut gone), Err(RebuildError::Read { tile, source: "gone" }));
    for found in [0, 32, 8191, 8193, 8192 * 2] {
        let mut short = |tile: Tile| {
            let bytes = if tile.index() == 1 { vec![0; found] } else { full[&tile].clone() };
            Ok::<_, ()>(bytes)
        };
        assert_eq!(Tiles::rebuild(600, &trailing, &mut short), Err(RebuildError::Length { tile, found }));
    }
    let mut none = |_| Err(());
    assert_eq!(
        Tiles::rebuild(600, &trailing[1..], &mut none),
        Err(RebuildError::Trailing { size: 600, expected: 88, found: 87 })
    );
    assert_eq!(Tiles::rebuild(u64::MAX, &[], &mut none), Err(RebuildError::Size(u64::MAX)));
}

#[test]
fn a_clone_that_is_thrown_away_leaves_the_tree_as_it_was() {
    let (tiles, _) = grown(511);
    let mut clone = tiles.clone();
    assert_eq!(clone.push(leaf(511)).len(), 1);
    assert_eq!(tiles, grown(511).0);
    assert_eq!(clone, grown(512).0);
}

#[test]
fn bundles_are_read_as_they_were_written_and_not_otherwise() {
    let entries: [&[u8]; 3] = [b"one", b"", &[7; 300]];
    let bytes = encode_entries(entries).unwrap();
    assert_eq!(bytes[..7], *b"\x00\x03one\x00\x00");
    assert_eq!(bytes[7..9], [0x01, 0x2c]);
    let bundle = |width| Bundle::new(0, width).unwrap();
    assert_eq!(bundle(3).entries(&bytes).unwrap(), entries);
    assert_eq!(bundle(2).entries(&bytes), Err(BundleError::Width { expected: 2, found: 3 }));
    assert_eq!(bundle(4).entries(&bytes), Err(BundleError::Width { expected: 4, found: 3 }));
    assert_eq!(bundle(3).entries(&bytes[..bytes.len() - 1]), Err(BundleError::Cut { at: 2 }));
    assert_eq!(bundle(3).entries(&bytes[..8]), Err(BundleError::Cut { at: 2 }));
    assert_eq!(bundle(1).entries(&[]), Err(BundleError::Width { expected: 1, found: 0 }));
    assert_eq!(bundle(256).entries(&[0; 514]), Err(BundleError::TooMany));
    assert_eq!(bundle(256).entries(&[0; 512]).unwrap().len(), 256);
}

#[test]
fn a_bundle_holds_no_entry_that_its_length_could_not_tell() {
    let long = vec![0; ENTRY_MAX_BYTES + 1];
    assert_eq!(encode_entries([long.as_slice()]), Err(BundleError::TooLong { at: 0, bytes: 65_536 }));
    assert_eq!(encode_entries([&long[1..]]).unwrap().len(), 65_537);
    assert_eq!(encode_entries(vec![b"".as_slice(); 257]), Err(BundleError::TooMany));
    const { assert!(crate::LEAF_MAX_BYTES <= ENTRY_MAX_BYTES) };
}

proptest! {
    #[test]
    fn every_place_has_one_path_and_every_path_one_place(
        level in 0_u8..=63, index in 0_u64..=(i64::MAX as u64 / 256), width in 1_u16..=256, entries: bool,
    ) {
        let place = if entries {
            TilePath::Entries(Bundle::new(index, width).unwrap())
        } else {
            TilePath::Tile(Tile::new(level, index, width).unwrap())
        };
        prop_assert_eq!(place.to_string().parse::<TilePath>(), Ok(place));
    }

    #[test]
    fn what_is_read_as_a_path_is_written_so(text in "tile/(entries|[0-9]{1,2})/(x?[0-9]{1,4}/?){1,4}(\\.p/[0-9]{1,3})?") {
        if let Ok(place) = text.parse::<TilePath>() {
            prop_assert_eq!(place.to_string(), text);
        }
    }

    #[test]
    fn any_bytes_are_read_as_a_bundle_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600), width in 1_u16..=256) {
        if let Ok(entries) = Bundle::new(0, width).unwrap().entries(&bytes) {
            prop_assert_eq!(encode_entries(entries).unwrap(), bytes);
        }
    }

    #[test]
    fn tiles_and_edge_agree(size in 0_u64..3000) {
        let (tiles, _) = grown(size);
        let mut edge = Edge::new();
        (0..size).for_each(|at| edge.push(leaf(at)));
        prop_assert_eq!(tiles.edge(), &edge);
    }
}
