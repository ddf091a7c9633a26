use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2_oracle::Sha256 as OracleSha256;

use super::*;
use crate::text::{from_hex, hex};

/// The leaves and roots that Certificate Transparency implementations are tested with.
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

#[test]
fn the_known_trees_have_their_known_roots() {
    let mut edge = Edge::new();
    assert_eq!(hex(&edge.root()), ROOTS[0]);
    for (leaf, root) in LEAVES.iter().zip(&ROOTS[1..]) {
        edge.push(leaf_hash(leaf));
        assert_eq!(hex(&edge.root()), *root, "{} leaves", edge.size());
    }
}

#[test]
fn roots_are_those_of_another_implementation() {
    let mut edge = Edge::new();
    let mut other = MemoryBackedTree::<OracleSha256, Vec<u8>>::new();
    for at in 0..1300_u32 {
        let leaf = at.to_be_bytes().to_vec();
        edge.push(leaf_hash(&leaf));
        other.push(leaf);
        assert_eq!(edge.root().as_slice(), other.root().as_bytes().as_slice(), "{} leaves", edge.size());
    }
}

#[test]
fn an_edge_has_one_hash_for_each_bit_of_its_size() {
    let mut edge = Edge::new();
    for at in 0..600_u64 {
        edge.push(leaf_hash(&at.to_be_bytes()));
        assert_eq!(edge.size(), at + 1);
        assert_eq!(edge.roots().len(), usize::try_from(edge.size().count_ones()).unwrap());
    }
}

#[test]
fn only_the_bytes_of_an_edge_are_an_edge() {
    assert_eq!(Edge::from_bytes(&[]), Err(EdgeError::NoSize(0)));
    assert_eq!(Edge::from_bytes(&[0; 7]), Err(EdgeError::NoSize(7)));
    assert_eq!(Edge::from_bytes(&[0; 8]), Ok(Edge::new()));
    assert_eq!(Edge::from_bytes(&[255; 8]), Err(EdgeError::Size(u64::MAX)));
    for (size, hashes) in [(0_u64, 1), (1, 0), (1, 2), (3, 1), (4, 2), (7, 2)] {
        let bytes = [size.to_be_bytes().to_vec(), vec![7; hashes * HASH_BYTES]].concat();
        let (expected, found) = (usize::try_from(size.count_ones()).unwrap() * 32, hashes * 32);
        assert_eq!(Edge::from_bytes(&bytes), Err(EdgeError::Length { size, expected, found }));
    }
    let cut = [1_u64.to_be_bytes().to_vec(), vec![7; 31]].concat();
    assert_eq!(Edge::from_bytes(&cut), Err(EdgeError::Length { size: 1, expected: 32, found: 31 }));
    let long = [1_u64.to_be_bytes().to_vec(), vec![7; 33]].concat();
    assert_eq!(Edge::from_bytes(&long), Err(EdgeError::Length { size: 1, expected: 32, found: 33 }));
    // The largest tree can be read, and no root of it is wrong in number.
    let largest = [SIZE_MAX.to_be_bytes().to_vec(), vec![7; 63 * HASH_BYTES]].concat();
    assert_eq!(Edge::from_bytes(&largest).unwrap().size(), SIZE_MAX);
}

#[test]
fn hexadecimal_digits_are_read_in_one_form_only() {
    assert_eq!(from_hex::<2>("00ff"), Some([0, 255]));
    for wrong in ["", "00f", "00fff", "00FF", "0x0f", "00f ", "+0ff", "00fé"] {
        assert_eq!(from_hex::<2>(wrong), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn an_edge_goes_through_bytes_and_grows_on_as_before(size in 0_u64..2000, more in 0_u64..40) {
        let mut edge = Edge::new();
        for at in 0..size {
            edge.push(leaf_hash(&at.to_be_bytes()));
        }
        let mut read = Edge::from_bytes(&edge.to_bytes()).unwrap();
        prop_assert_eq!(&read, &edge);
        for at in size..size + more {
            edge.push(leaf_hash(&at.to_be_bytes()));
            read.push(leaf_hash(&at.to_be_bytes()));
        }
        prop_assert_eq!(read.root(), edge.root());
    }

    #[test]
    fn a_leaf_is_never_a_node(left: [u8; 32], right: [u8; 32]) {
        let both = [left, right].concat();
        prop_assert_ne!(leaf_hash(&both), node_hash(&left, &right));
    }
}
