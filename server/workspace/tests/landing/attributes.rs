//! What a file keeps when its text changes.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::{Place, create, delete, edit, rename};

fn mode(place: &Place, name: &str) -> u32 {
    place.root.join(name).metadata().unwrap().mode() & 0o7777
}

fn set_mode(place: &Place, name: &str, mode: u32) {
    fs::set_permissions(place.root.join(name), Permissions::from_mode(mode)).unwrap();
}

#[test]
fn permissions_and_owner_stay() {
    let place = Place::new(&[("run.sh", "old\n"), ("tool", "old\n")]);
    set_mode(&place, "run.sh", 0o751);
    set_mode(&place, "tool", 0o640);
    let owner = place.root.join("run.sh").metadata().unwrap();
    let changes = [
        edit("run.sh", "old\n", "new\n"),
        rename("tool", "bin/tool", "old\n", "new\n"),
    ];
    let landed = place.land(&changes, &place.journal()).unwrap();
    assert_eq!(landed.notes, []);
    assert_eq!(
        (mode(&place, "run.sh"), mode(&place, "bin/tool")),
        (0o751, 0o640)
    );
    let now = place.root.join("run.sh").metadata().unwrap();
    assert_eq!((now.uid(), now.gid()), (owner.uid(), owner.gid()));
}

#[test]
fn a_new_file_gets_the_permissions_that_new_files_usually_get() {
    let place = Place::new(&[("usual", "")]);
    place
        .land(&[create("dir/new.txt", "")], &place.journal())
        .unwrap();
    assert_eq!(mode(&place, "dir/new.txt"), mode(&place, "usual"));
}

#[test]
fn a_read_only_file_is_left_alone() {
    let place = Place::new(&[("fixed.txt", "old\n"), ("a.txt", "a\n")]);
    set_mode(&place, "fixed.txt", 0o444);
    let changes = [
        edit("a.txt", "a\n", "A\n"),
        edit("fixed.txt", "old\n", "new\n"),
    ];
    let error = place.land(&changes, &place.journal()).unwrap_err();
    assert_eq!(error.code(), "read-only");
    assert_eq!(place.read("a.txt"), "a\n");
}

#[test]
fn names_of_one_file_stay_names_of_one_file() {
    let place = Place::new(&[("a.txt", "old\n"), ("sub/x", "")]);
    for other in ["b.txt", "sub/c.txt"] {
        fs::hard_link(place.root.join("a.txt"), place.root.join(other)).unwrap();
    }
    place
        .land(&[edit("a.txt", "old\n", "new\n")], &place.journal())
        .unwrap();
    let number = |name: &str| place.root.join(name).metadata().unwrap().ino();
    for name in ["a.txt", "b.txt", "sub/c.txt"] {
        assert_eq!(place.read(name), "new\n");
        assert_eq!(number(name), number("a.txt"));
    }
    assert_eq!(place.tree().len(), 5, "nothing is left beside them");
}

#[test]
fn a_reply_may_name_a_file_by_two_of_its_names_if_it_says_the_same() {
    let place = Place::new(&[("a.txt", "old\n")]);
    fs::hard_link(place.root.join("a.txt"), place.root.join("b.txt")).unwrap();
    let differs = [
        edit("a.txt", "old\n", "new\n"),
        edit("b.txt", "old\n", "other\n"),
    ];
    let error = place.land(&differs, &place.journal()).unwrap_err();
    assert_eq!(error.code(), "changed-twice");
    let same = [
        edit("a.txt", "old\n", "new\n"),
        edit("b.txt", "old\n", "new\n"),
    ];
    place.land(&same, &place.journal()).unwrap();
    assert_eq!(
        (place.read("a.txt"), place.read("b.txt")),
        ("new\n".into(), "new\n".into())
    );
}

#[test]
fn a_file_with_a_name_outside_the_workspace_is_not_written() {
    let place = Place::new(&[("a.txt", "old\n")]);
    let outside = place.root.with_file_name("outside.txt");
    fs::hard_link(place.root.join("a.txt"), &outside).unwrap();
    let error = place
        .land(&[edit("a.txt", "old\n", "new\n")], &place.journal())
        .unwrap_err();
    assert_eq!(error.code(), "many-names");
    assert!(
        error
            .to_string()
            .contains("one file under 2 names, 1 of them in the workspace")
    );
    assert_eq!(fs::read_to_string(&outside).unwrap(), "old\n");
    // To take one name away changes nothing elsewhere.
    place
        .land(&[delete("a.txt", "old\n")], &place.journal())
        .unwrap();
    assert_eq!(fs::read_to_string(&outside).unwrap(), "old\n");
}

#[test]
fn a_link_is_written_through_and_is_neither_deleted_nor_renamed() {
    let place = Place::new(&[("real/a.txt", "old\n")]);
    symlink("real/a.txt", place.root.join("link.txt")).unwrap();
    place
        .land(&[edit("link.txt", "old\n", "new\n")], &place.journal())
        .unwrap();
    assert!(place.root.join("link.txt").is_symlink());
    assert_eq!(place.read("real/a.txt"), "new\n");
    for change in [
        delete("link.txt", "new\n"),
        rename("link.txt", "b.txt", "new\n", "new\n"),
    ] {
        let error = place.land(&[change], &place.journal()).unwrap_err();
        assert_eq!(error.code(), "is-link");
    }
    assert_eq!(place.read("link.txt"), "new\n");
}

#[cfg(target_os = "linux")]
#[test]
fn extended_attributes_stay() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};

    let place = Place::new(&[("a.txt", "old\n")]);
    let path = place.root.join("a.txt");
    let name = "user.pleach.test";
    // Not every file system has them; then there is nothing to keep.
    let has_them = setxattr(path.as_std_path(), name, b"kept", XattrFlags::empty()).is_ok();
    let landed = place
        .land(&[edit("a.txt", "old\n", "new\n")], &place.journal())
        .unwrap();
    assert_eq!(landed.notes, []);
    let mut value = vec![0; 16];
    let found = getxattr(path.as_std_path(), name, value.as_mut_slice());
    let found = found.ok().map(|len| value[..len].to_vec());
    assert_eq!(found, has_them.then(|| b"kept".to_vec()));
}

#[test]
fn what_is_not_utf_8_is_not_what_the_change_was_made_for() {
    let place = Place::new(&[]);
    // "old" in UTF-16, with its mark.
    fs::write(place.root.join("a.txt"), b"\xff\xfeo\0l\0d\0").unwrap();
    let error = place
        .land(&[edit("a.txt", "old", "new")], &place.journal())
        .unwrap_err();
    assert_eq!(error.code(), "changed-on-disk");
    let snapshot = place.snapshot();
    assert_eq!(snapshot.read_text("a.txt").unwrap_err().code(), "not-text");
}
