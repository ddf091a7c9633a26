//! Does every line stay whole and in the file of that name?

use tempfile::TempDir;

use super::*;

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn a_file_that_was_moved_away_or_emptied_is_begun_anew() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("audit.ndjson");
    let mut file = Appender::new(path.clone());
    file.append(b"1\n2\n".to_vec()).await.unwrap();
    file.append(b"3\n".to_vec()).await.unwrap();
    let moved = folder.path().join("audit.ndjson.1");
    std::fs::rename(&path, &moved).unwrap();
    file.append(b"4\n".to_vec()).await.unwrap();
    assert_eq!((read(&moved), read(&path)), ("1\n2\n3\n".to_owned(), "4\n".to_owned()));
    let mode = std::fs::metadata(&path).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
    // As a program does that moves the file away and makes an empty one in its place.
    std::fs::rename(&path, folder.path().join("audit.ndjson.2")).unwrap();
    std::fs::write(&path, "").unwrap();
    file.append(b"4b\n".to_vec()).await.unwrap();
    assert_eq!(read(&path), "4b\n");
    File::options().write(true).truncate(true).open(&path).unwrap();
    file.append(b"5\n".to_vec()).await.unwrap();
    assert_eq!(read(&path), "5\n");
}

#[tokio::test]
async fn a_line_that_was_broken_off_spoils_no_other() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("audit.ndjson");
    std::fs::write(&path, "1\n{\"half").unwrap();
    Appender::new(path.clone()).append(b"2\n".to_vec()).await.unwrap();
    assert_eq!(read(&path), "1\n{\"half\n2\n");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_tried_again_each_time() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("later").join("audit.ndjson");
    let mut file = Appender::new(path.clone());
    assert!(file.append(b"1\n".to_vec()).await.is_err());
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    file.append(b"1\n".to_vec()).await.unwrap();
    assert_eq!(read(&path), "1\n");
}
