//! Does the journal give back exactly what it took?

use std::io::Write as _;

use tempfile::TempDir;

use super::*;

fn open(folder: &TempDir, moved: u64) -> (Journal<u32>, Left) {
    Journal::open(folder.path(), moved, None).unwrap()
}

fn bodies(left: &Left) -> Vec<&[u8]> {
    left.iter().map(|(_, body)| body.as_slice()).collect()
}

#[test]
fn what_was_not_moved_comes_back_in_order() {
    let folder = TempDir::new().unwrap();
    let (journal, left) = open(&folder, 0);
    assert!(left.is_empty());
    assert!(journal.append(b"one", 1).unwrap());
    assert!(!journal.append(b"two", 2).unwrap());
    assert!(!journal.append(b"", 3).unwrap());
    let line = journal.take();
    assert_eq!(line.iter().map(|waiting| waiting.item).collect::<Vec<_>>(), [1, 2, 3]);
    drop(journal);
    let (_, left) = open(&folder, line[0].seq);
    assert_eq!(bodies(&left), [b"two".as_slice(), b""]);
    let (journal, left) = open(&folder, line[2].seq);
    assert!(left.is_empty());
    journal.append(b"four", 4).unwrap();
    let (_, left) = open(&folder, line[2].seq);
    assert_eq!(bodies(&left), [b"four"], "a number is never given twice");
}

#[test]
fn half_a_frame_at_the_end_hides_nothing_before_it() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = open(&folder, 0);
    journal.append(b"whole", 1).unwrap();
    drop(journal);
    let path = folder.path().join(NAMES[0]);
    let whole = std::fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        let torn = [whole.as_slice(), &whole[..cut]].concat();
        std::fs::write(&path, torn).unwrap();
        let (_, left) = open(&folder, 0);
        assert_eq!(bodies(&left), [b"whole"], "cut at {cut}");
    }
    for at in 0..whole.len() {
        let mut bent = whole.clone();
        bent[at] ^= 1;
        std::fs::write(&path, bent).unwrap();
        assert!(open(&folder, 0).1.is_empty(), "bent at {at}");
    }
}

#[test]
fn what_is_appended_after_a_torn_frame_is_found() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = open(&folder, 0);
    journal.append(b"one", 1).unwrap();
    drop(journal);
    let mut file = std::fs::OpenOptions::new().append(true).open(folder.path().join(NAMES[0])).unwrap();
    file.write_all(b"\0\0\0\x09half").unwrap();
    let (journal, _) = open(&folder, 0);
    journal.append(b"two", 2).unwrap();
    assert_eq!(bodies(&open(&folder, 0).1), [b"one".as_slice(), b"two"]);
}

#[test]
fn a_full_file_is_left_for_the_other_and_emptied_only_once_all_of_it_was_moved() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = open(&folder, 0);
    let size = |name: usize| std::fs::metadata(folder.path().join(NAMES[name])).unwrap().len();
    let big = vec![7; usize::try_from(TURN_AT).unwrap()];
    journal.append(&big, 1).unwrap();
    journal.append(b"second", 2).unwrap();
    assert!(size(1) > 0, "the other file took over");
    journal.append(&big, 3).unwrap();
    let before = size(1);
    journal.append(b"third", 4).unwrap();
    assert!(size(1) > before, "nothing was moved yet, so nothing may be emptied");
    let line = journal.take();
    journal.moved(line[3].seq, 0);
    journal.append(b"fourth", 5).unwrap();
    assert!(size(0) < 100, "{}", size(0));
    assert_eq!(bodies(&open(&folder, line[3].seq).1), [b"fourth"]);
}

#[test]
fn nothing_is_taken_while_the_database_fails_or_lags_too_far_behind() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = open(&folder, 0);
    journal.refuse("the disk is full".to_owned());
    journal.append(b"one", 1).unwrap_err();
    assert!(journal.take().is_empty());
    journal.moved(0, 0);
    journal.append(&vec![0; WAITING_MAX + 1], 2).unwrap();
    journal.append(b"more", 3).expect_err("a line without bound would take all memory");
    journal.moved(1, WAITING_MAX + 1);
    journal.append(b"more", 4).unwrap();
}

#[tokio::test]
async fn who_is_faster_than_the_disk_waits_for_it_and_is_not_turned_away() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = Journal::open(folder.path(), 0, None).unwrap();
    journal.has_room().await;
    journal.append(&vec![0; WAITING_WANTED + 1], ()).unwrap();
    let mut room = std::pin::pin!(journal.has_room());
    assert!(futures_util::poll!(room.as_mut()).is_pending());
    let taken = journal.take();
    assert!(futures_util::poll!(room.as_mut()).is_pending(), "taken is not down");
    journal.moved(taken[0].seq, taken[0].bytes);
    room.await;

    // A disk that fails is told of at once.
    journal.append(&vec![0; WAITING_WANTED + 1], ()).unwrap();
    journal.refuse("the disk is gone".to_owned());
    journal.has_room().await;
    journal.append(b"more", ()).unwrap_err();
}
