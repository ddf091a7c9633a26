use std::cell::Cell;
use std::collections::HashMap;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2_oracle::Sha256 as OracleSha256;

use super::*;
use crate::fixtures::{Leaves, leaf, small};
use crate::tile::{Tile, Tiles};
use crate::tree::{EMPTY_ROOT, Edge};

/// A log as its tiles: full ones, and the partial ones of its size.
struct Log {
    tiles: HashMap<Tile, Vec<u8>>,
    reads: Cell<usize>,
}

impl Log {
    fn of(size: u64) -> Self {
        let (mut tree, mut tiles) = (Tiles::new(), HashMap::new());
        for at in 0..size {
            tiles.extend(tree.push(leaf(at)).into_iter().map(|full| (full.tile, full.bytes)));
        }
        tiles.extend(tree.partials().map(|(tile, bytes)| (tile, bytes.to_vec())));
        Self { tiles, reads: Cell::new(0) }
    }
}

impl ReadTile for Log {
    type Error = &'static str;

    fn read(&self, tile: Tile) -> Result<Vec<u8>, &'static str> {
        self.reads.set(self.reads.get() + 1);
        self.tiles.get(&tile).or_else(|| self.tiles.get(&tile.full())).cloned().ok_or("not there")
    }
}

fn leaves(size: u64) -> Leaves {
    Leaves::numbered(size)
}

fn roots(up_to: u64) -> Vec<Hash> {
    let mut edge = Edge::new();
    let mut roots = vec![edge.root()];
    for at in 0..up_to {
        edge.push(leaf(at));
        roots.push(edge.root());
    }
    roots
}

#[test]
fn every_entry_of_every_tree_up_to_300_is_proved() {
    let (leaves, roots) = (leaves(300), roots(300));
    for size in 1..=300 {
        assert_eq!(root(&leaves, size).unwrap(), roots[small(size)]);
        for index in 0..size {
            let proof = inclusion(&leaves, index, size).unwrap();
            assert_eq!(verify_inclusion(&leaf(index), index, size, &proof, &roots[small(size)]), Ok(()));
        }
    }
}

#[test]
fn every_pair_of_trees_up_to_130_is_consistent() {
    let (leaves, roots) = (leaves(130), roots(130));
    for new in 0..=130_u64 {
        for old in 0..=new {
            let proof = consistency(&leaves, old, new).unwrap();
            let (older, newer) = ((old, &roots[small(old)]), (new, &roots[small(new)]));
            assert_eq!(verify_consistency(older, newer, &proof), Ok(()), "{old} to {new}");
        }
    }
}

#[test]
fn proofs_are_those_of_another_implementation() {
    let leaves = leaves(70);
    let mut other = MemoryBackedTree::<OracleSha256, Vec<u8>>::new();
    for size in 1..=70_u64 {
        other.push((size - 1).to_be_bytes().to_vec());
        for index in 0..size {
            let proof = inclusion(&leaves, index, size).unwrap();
            assert_eq!(proof.concat(), other.prove_inclusion(small(index)).as_bytes(), "{index} of {size}");
        }
        for old in 1..size {
            let proof = consistency(&leaves, old, size).unwrap();
            let theirs = other.prove_consistency(small(size - old));
            assert_eq!(proof.concat(), theirs.as_bytes(), "{old} to {size}");
        }
    }
}

#[test]
fn tiles_give_the_same_proofs_in_a_handful_of_reads() {
    const SIZE: u64 = 66_100;
    let (log, leaves) = (Log::of(SIZE), leaves(SIZE));
    for size in [SIZE, 65_537, 65_536, 65_535, 700, 257, 256, 255, 1] {
        for index in [0, 1, 255, 256, 511, 32_768, 65_535, 65_536, 66_099, size / 2, size - 1] {
            if index >= size {
                continue;
            }
            let hashes = TileHashes::new(&log, size);
            log.reads.set(0);
            assert_eq!(inclusion(&hashes, index, size).unwrap(), inclusion(&leaves, index, size).unwrap());
            assert!(log.reads.get() <= 6, "{} reads for {index} of {size}", log.reads.get());
            assert_eq!(hashes.tiles_read(), log.reads.get());
            let hashes = TileHashes::new(&log, size);
            log.reads.set(0);
            let (ours, theirs) = (consistency(&hashes, index, size), consistency(&leaves, index, size));
            assert_eq!(ours.unwrap(), theirs.unwrap(), "{index} to {size}");
            assert!(log.reads.get() <= 6, "{} reads from {index} to {size}", log.reads.get());
        }
    }
}

#[test]
fn tiles_that_are_missing_or_short_are_named() {
    let mut log = Log::of(600);
    let full = Tile::new(0, 1, 256).unwrap();
    let error = |log: &Log, index, size| {
        inclusion(&TileHashes::new(log, size), index, size).unwrap_err().to_string()
            + ": "
            + &match inclusion(&TileHashes::new(log, size), index, size).unwrap_err() {
                ProofError::Read(source) => source.to_string(),
                other => other.to_string(),
            }
    };
    log.tiles.get_mut(&full).unwrap().pop();
    assert_eq!(
        error(&log, 300, 600),
        "the tree's hashes can't be read: `tile/0/001` has 8191 bytes, not 8192"
    );
    log.tiles.remove(&full);
    assert_eq!(error(&log, 300, 600), "the tree's hashes can't be read: `tile/0/001` can't be read");
    let hashes = TileHashes::new(&log, 600);
    assert!(matches!(hashes.hash(0, 600), Err(TileHashesError::Outside { .. })));
    assert!(matches!(hashes.hash(9, 1), Err(TileHashesError::Outside { .. })));
    assert!(matches!(hashes.hash(64, 0), Err(TileHashesError::Outside { .. })));
    assert!(matches!(hashes.hash(3, u64::MAX), Err(TileHashesError::Outside { .. })));
    assert!(matches!(hashes.hash(u32::MAX, u64::MAX), Err(TileHashesError::Outside { .. })));
}

#[test]
fn there_are_no_proofs_of_what_is_not_there() {
    let leaves = leaves(10);
    assert_eq!(inclusion(&leaves, 10, 10), Err(ProofError::Index { index: 10, size: 10 }));
    assert_eq!(inclusion(&leaves, 0, 0), Err(ProofError::Index { index: 0, size: 0 }));
    assert_eq!(consistency(&leaves, 5, 4), Err(ProofError::Shrinks { old: 5, new: 4 }));
    assert_eq!(inclusion(&leaves, 0, u64::MAX), Err(ProofError::Size(u64::MAX)));
    assert_eq!(consistency(&leaves, 0, u64::MAX), Err(ProofError::Size(u64::MAX)));
    assert!(matches!(inclusion(&leaves, 0, 20), Err(ProofError::Read(_))));
}

#[test]
fn wrong_proofs_say_what_is_wrong() {
    let (leaves, roots) = (leaves(20), roots(20));
    let proof = inclusion(&leaves, 7, 20).unwrap();
    let check = |hash, index, size, proof: &[Hash]| verify_inclusion(&hash, index, size, proof, &roots[20]);
    assert_eq!(check(leaf(7), 7, 20, &proof), Ok(()));
    assert_eq!(check(leaf(8), 7, 20, &proof), Err(InclusionError::Root { index: 7, size: 20 }));
    assert_eq!(check(leaf(7), 6, 20, &proof), Err(InclusionError::Root { index: 6, size: 20 }));
    assert_eq!(check(leaf(7), 20, 20, &proof), Err(InclusionError::Index { index: 20, size: 20 }));
    assert_eq!(check(leaf(7), 0, 0, &proof), Err(InclusionError::Index { index: 0, size: 0 }));
    let length = |found| InclusionError::Length { index: 7, size: 20, expected: 5, found };
    assert_eq!(check(leaf(7), 7, 20, &proof[1..]), Err(length(4)));
    assert_eq!(check(leaf(7), 7, 20, &[&proof[..], &[[0; 32]]].concat()), Err(length(6)));

    let proof = consistency(&leaves, 7, 20).unwrap();
    let check = |old, new, proof: &[Hash]| verify_consistency(old, new, proof);
    assert_eq!(check((7, &roots[7]), (20, &roots[20]), &proof), Ok(()));
    assert_eq!(check((7, &roots[8]), (20, &roots[20]), &proof), Err(ConsistencyError::OldRoot(7)));
    assert_eq!(check((7, &roots[7]), (20, &roots[19]), &proof), Err(ConsistencyError::NewRoot(20)));
    assert_eq!(
        check((20, &roots[20]), (7, &roots[7]), &proof),
        Err(ConsistencyError::Shrinks { old: 20, new: 7 })
    );
    let (expected, found) = (proof.len(), proof.len() - 1);
    assert_eq!(
        check((7, &roots[7]), (20, &roots[20]), &proof[1..]),
        Err(ConsistencyError::Length { old: 7, new: 20, expected, found })
    );
    assert_eq!(check((7, &roots[7]), (7, &roots[8]), &[]), Err(ConsistencyError::NewRoot(7)));
    assert_eq!(
        check((7, &roots[7]), (7, &roots[7]), &proof),
        Err(ConsistencyError::Length { old: 7, new: 7, expected: 0, found: proof.len() })
    );
    // From nothing on, everything is consistent, but nothing is nothing.
    assert_eq!(check((0, &EMPTY_ROOT), (20, &roots[20]), &[]), Ok(()));
    assert_eq!(check((0, &EMPTY_ROOT), (0, &EMPTY_ROOT), &[]), Ok(()));
    assert_eq!(check((0, &roots[1]), (20, &roots[20]), &[]), Err(ConsistencyError::OldRoot(0)));
    assert_eq!(check((0, &EMPTY_ROOT), (0, &roots[1]), &[]), Err(ConsistencyError::NewRoot(0)));
}

#[test]
fn the_longest_proofs_do_not_overflow() {
    let (size, zeros) = (SIZE_MAX, [[0; 32]; PROOF_MAX]);
    let error = InclusionError::Root { index: size - 1, size };
    assert_eq!(verify_inclusion(&[0; 32], size - 1, size, &zeros[..62], &[0; 32]), Err(error));
    let error = InclusionError::Root { index: 0, size };
    assert_eq!(verify_inclusion(&[0; 32], 0, size, &zeros, &[0; 32]), Err(error));
    let huge = verify_inclusion(&[0; 32], u64::MAX - 1, u64::MAX, &zeros, &[0; 32]);
    assert!(matches!(huge, Err(InclusionError::Root { .. } | InclusionError::Length { .. })));
    assert_eq!(
        verify_consistency((1, &[0; 32]), (size, &[0; 32]), &zeros),
        Err(ConsistencyError::NewRoot(size))
    );
    let none = verify_consistency((u64::MAX - 1, &[0; 32]), (u64::MAX, &[0; 32]), &[]);
    assert!(matches!(none, Err(ConsistencyError::Length { .. })));
}

/// Flips one bit of one of several hashes.
fn flipped(hashes: &[Hash], bit: usize) -> Vec<Hash> {
    let mut hashes = hashes.to_vec();
    hashes[bit / 256][bit / 8 % 32] ^= 1 << (bit % 8);
    hashes
}

// A size is not covered here: proofs for trees of different sizes can have the same shape. What binds the size to the
// root is the checkpoint's signature (note/tests.rs flips every bit of one).
proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_flipped_bit_of_leaf_proof_root_and_index_is_refused(size in 1_u64..300, at in any::<prop::sample::Index>()) {
        let index = at.index(small(size)) as u64;
        let leaves = leaves(size);
        let proof = inclusion(&leaves, index, size).unwrap();
        let root = root(&leaves, size).unwrap();
        prop_assert_eq!(verify_inclusion(&leaf(index), index, size, &proof, &root), Ok(()));
        for bit in 0..256 {
            prop_assert!(verify_inclusion(&flipped(&[leaf(index)], bit)[0], index, size, &proof, &root).is_err());
            prop_assert!(verify_inclusion(&leaf(index), index, size, &proof, &flipped(&[root], bit)[0]).is_err());
        }
        for bit in 0..proof.len() * 256 {
            prop_assert!(verify_inclusion(&leaf(index), index, size, &flipped(&proof, bit), &root).is_err());
        }
        for bit in 0..64 {
            prop_assert!(verify_inclusion(&leaf(index), index ^ (1 << bit), size, &proof, &root).is_err());
        }
    }

    #[test]
    fn every_flipped_bit_of_a_consistency_proof_and_its_roots_is_refused(new in 2_u64..300, at in any::<prop::sample::Index>()) {
        let old = 1 + at.index(small(new) - 1) as u64;
        let leaves = leaves(new);
        let proof = consistency(&leaves, old, new).unwrap();
        let (older, newer) = (root(&leaves, old).unwrap(), root(&leaves, new).unwrap());
        prop_assert_eq!(verify_consistency((old, &older), (new, &newer), &proof), Ok(()));
        for bit in 0..256 {
            prop_assert!(verify_consistency((old, &flipped(&[older], bit)[0]), (new, &newer), &proof).is_err());
            prop_assert!(verify_consistency((old, &older), (new, &flipped(&[newer], bit)[0]), &proof).is_err());
        }
        for bit in 0..proof.len() * 256 {
            prop_assert!(verify_consistency((old, &older), (new, &newer), &flipped(&proof, bit)).is_err());
        }
    }

    #[test]
    fn no_proof_however_made_makes_verification_fail_badly(
        index: u64, old: u64, size: u64, proof in proptest::collection::vec(any::<[u8; 32]>(), 0..70), root: [u8; 32],
    ) {
        prop_assert!(verify_inclusion(&root, index, size, &proof, &root).is_err() || (size == 1 && proof.is_empty()));
        let proved = verify_consistency((old, &root), (size, &root), &proof).is_ok();
        prop_assert!(!proved || proof.is_empty());
    }
}
