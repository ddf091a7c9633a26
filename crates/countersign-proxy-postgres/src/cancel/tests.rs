use countersign_testkit::SeededEntropy;

use super::*;

fn registered(
    cancels: &Cancels,
    entropy: &dyn Entropy,
    version: ProtocolVersion,
) -> (Registration, mpsc::Receiver<()>) {
    let (session, cancelled) = mpsc::channel(1);
    (cancels.register(entropy, version, session), cancelled)
}

#[test]
fn a_key_cancels_its_own_session_and_no_other() {
    let (cancels, entropy) = (Cancels::default(), SeededEntropy::default());
    let (first, mut first_cancelled) = registered(&cancels, &entropy, ProtocolVersion::V3_2);
    let (_second, mut second_cancelled) = registered(&cancels, &entropy, ProtocolVersion::V3_2);
    cancels.cancel(first.key());
    assert_eq!(first_cancelled.try_recv(), Ok(()));
    second_cancelled.try_recv().unwrap_err();
}

#[test]
fn a_wrong_key_does_nothing() {
    let (cancels, entropy) = (Cancels::default(), SeededEntropy::default());
    let (session, mut cancelled) = registered(&cancels, &entropy, ProtocolVersion::V3_2);
    let (process, secret) = (session.key().process(), session.key().secret().to_vec());
    for at in 0..secret.len() {
        for bit in 0..8 {
            let mut wrong = secret.clone();
            wrong[at] ^= 1 << bit;
            cancels.cancel(&ClientKey::new(process, &wrong).unwrap());
        }
    }
    for length in 4..secret.len() {
        cancels.cancel(&ClientKey::new(process, &secret[..length]).unwrap());
    }
    cancels.cancel(&ClientKey::new(process, &[&secret[..], &[0]].concat()).unwrap());
    cancels.cancel(&ClientKey::new(process ^ 1, &secret).unwrap());
    cancelled.try_recv().unwrap_err();
    cancels.cancel(&ClientKey::new(process, &secret).unwrap());
    cancelled.try_recv().unwrap();
}

#[test]
fn a_key_is_worthless_when_its_session_is_over() {
    let (cancels, entropy) = (Cancels::default(), SeededEntropy::default());
    let (session, mut cancelled) = registered(&cancels, &entropy, ProtocolVersion::V3_0);
    let key = session.key().clone();
    assert_eq!(cancels.len(), 1);
    drop(session);
    assert!(cancels.is_empty());
    cancels.cancel(&key);
    cancelled.try_recv().unwrap_err();
}

#[test]
fn many_cancels_wait_as_one() {
    let (cancels, entropy) = (Cancels::default(), SeededEntropy::default());
    let (session, mut cancelled) = registered(&cancels, &entropy, ProtocolVersion::V3_2);
    (0..1000).for_each(|_| cancels.cancel(session.key()));
    cancelled.try_recv().unwrap();
    cancelled.try_recv().unwrap_err();
}

#[test]
fn older_clients_get_a_secret_that_they_can_read() {
    let (cancels, entropy) = (Cancels::default(), SeededEntropy::default());
    let length = |version| registered(&cancels, &entropy, version).0.key().secret().len();
    assert_eq!(length(ProtocolVersion::V3_0), 4);
    assert_eq!(length(ProtocolVersion { major: 3, minor: 1 }), 4);
    assert_eq!(length(ProtocolVersion::V3_2), 32);
}

/// Gives the same process id twice before another one.
#[derive(Default)]
struct Repeating(std::sync::atomic::AtomicU8);

impl Entropy for Repeating {
    fn fill(&self, bytes: &mut [u8]) {
        let calls = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // Each key asks twice: for its process id and for its secret.
        bytes.fill(if calls < 4 { 0xff } else { calls });
    }
}

#[test]
fn two_sessions_never_share_a_process_id() {
    let (cancels, entropy) = (Cancels::default(), Repeating::default());
    let (first, _cancelled) = registered(&cancels, &entropy, ProtocolVersion::V3_0);
    let (second, _cancelled) = registered(&cancels, &entropy, ProtocolVersion::V3_0);
    assert_eq!(first.key().process(), 0x7fff_ffff);
    assert_ne!(first.key().process(), second.key().process());
    assert_eq!(cancels.len(), 2);
}
