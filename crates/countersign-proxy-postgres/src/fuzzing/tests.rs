use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::codec::{back, front};

/// Bytes with the look of messages: a type, a length that is about right, and anything behind it.
fn nearly_messages() -> impl Strategy<Value = Vec<u8>> {
    let tag = proptest::sample::select(b"QPBEDCSHdcfFXpRKTZN1t23nsIcGWAVv".to_vec());
    let one = (tag, 0u8..3, proptest::collection::vec(prop_oneof![Just(0u8), Just(1), any::<u8>()], 0..24));
    proptest::collection::vec(one, 0..6).prop_map(|messages| {
        let mut bytes = Vec::new();
        for (tag, off, body) in messages {
            bytes.push(tag);
            bytes.extend((u32::try_from(body.len()).unwrap() + 3 + u32::from(off)).to_be_bytes());
            bytes.extend(body);
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, rng_seed: RngSeed::Fixed(20_261_122), ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_break_a_decoder(bytes in prop_oneof![nearly_messages(), proptest::collection::vec(any::<u8>(), 0..64)]) {
        fuzz_front(&bytes);
        fuzz_back(&bytes);
        fuzz_startup(&bytes);
    }
}

#[test]
fn every_changed_byte_of_a_message_is_survived() {
    let mut seed = Vec::new();
    let values = front::BindValues { params: &[Some(b"abc"), None], ..Default::default() };
    front::bind(&mut seed, "p", "s", &values).unwrap();
    front::parse(&mut seed, "s", "SELECT $1", &[1, 2]).unwrap();
    back::data_row(&mut seed, [Some("x"), None]).unwrap();
    for at in 0..seed.len() {
        for value in [0, 1, 4, 5, 127, 128, 254, 255] {
            let mut bytes = seed.clone();
            bytes[at] = value;
            fuzz_front(&bytes);
            fuzz_back(&bytes);
            fuzz_front(&bytes[at..]);
            fuzz_back(&bytes[at..]);
        }
    }
}
