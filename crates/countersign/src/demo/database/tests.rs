use std::path::Path;

use super::*;

/// A folder with empty files of these names.
fn folder(root: &Path, name: &str, programs: &[&str]) -> PathBuf {
    let folder = root.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    programs.iter().for_each(|program| std::fs::write(folder.join(program), "").unwrap());
    folder
}

#[test]
fn the_newest_version_with_all_its_programs_is_taken_and_else_the_path() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().canonicalize().unwrap();
    let all = ["initdb", "postgres", "psql"];
    let versions = root.join("versions");
    let here = folder(&root, "elsewhere/bin", &all);
    let linked = folder(&root, "linked", &[]);
    std::os::unix::fs::symlink(here.join("initdb"), linked.join("initdb")).unwrap();
    let find = |path: &[&PathBuf]| {
        let found = Installed::among(&versions, path.iter().map(|path| (*path).clone()));
        found.map(|installed| installed.program("psql"))
    };
    assert_eq!(find(&[]), None);
    assert_eq!(find(&[&root, &linked]), Some(here.join("psql")), "the link is followed");
    folder(&versions, "9/bin", &all);
    folder(&versions, "15/bin", &all);
    folder(&versions, "16/bin", &["initdb", "psql"]);
    folder(&versions, "common/bin", &all);
    assert_eq!(find(&[&here]), Some(versions.join("15/bin/psql")));
}
