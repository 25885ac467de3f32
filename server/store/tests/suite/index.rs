//! The index of a workspace.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use pleach_store::{
    FileStamp, Index, IndexedChunk, IndexedFile, IndexedPiece, IndexedSymbol, NameUses, TextPrint,
    words_of,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const FIRST: FileStamp = FileStamp { size: 10, stamp: 1 };

fn with_index(work: impl FnOnce(&mut Index, &Utf8Path)) {
    let folder = tempfile::tempdir().unwrap();
    let state = Utf8Path::from_path(folder.path()).unwrap();
    let path = Index::path_in(state, &["/project".into()]);
    work(&mut open(&path), &path);
}

fn open(path: &Utf8Path) -> Index {
    Index::open(path, SystemTime::now()).unwrap()
}

/// A file of one piece, which defines functions and uses names.
fn file(name: &str, defines: &[&str], uses: &[&str], said: &str) -> IndexedFile {
    let line = |at: usize| u32::try_from(at + 1).unwrap();
    let symbol = |(at, name): (usize, &&str)| IndexedSymbol {
        name: (*name).to_owned(),
        kind: "function".to_owned(),
        container: String::new(),
        first: line(at),
        last: line(at),
    };
    IndexedFile {
        name: name.to_owned(),
        stamp: FIRST,
        symbols: defines.iter().enumerate().map(symbol).collect(),
        uses: uses
            .iter()
            .map(|name| NameUses {
                name: (*name).to_owned(),
                times: 1,
                line: 1,
            })
            .collect(),
        chunks: vec![IndexedChunk {
            first: 1,
            last: 60,
            words: words_of(said),
        }],
        pieces: vec![IndexedPiece {
            first: 1,
            last: 60,
            bytes: u32::try_from(said.len()).unwrap(),
            print: TextPrint::of(said),
        }],
    }
}

fn found(index: &mut Index, asked: &str) -> Vec<String> {
    let places = index.find(asked, 10).unwrap();
    places.into_iter().map(|place| place.file).collect()
}

#[test]
fn words_find_what_is_called_so_before_what_says_so() {
    with_index(|index, _| {
        let till = file("src/till.rs", &["open_drawer"], &[], "fn open_drawer() {}");
        let notes = file(
            "notes.md",
            &[],
            &[],
            "How to open the drawer, and how to close it.",
        );
        index
            .put(&[
                notes,
                till,
                file("src/coin.rs", &["count"], &[], "fn count() {}"),
            ])
            .unwrap();
        assert_eq!(found(index, "openDrawer"), ["src/till.rs", "notes.md"]);
        assert_eq!(
            found(index, "where do we open drawers?"),
            ["src/till.rs", "notes.md"]
        );
        assert_eq!(found(index, "closing"), ["notes.md"]);
        assert_eq!(found(index, "coin"), ["src/coin.rs"]);
        assert_eq!(found(index, "\" OR * NEAR("), Vec::<String>::new());
        let first = index.find("open drawer", 1).unwrap();
        let symbol = first.first().unwrap().symbol.as_ref().unwrap();
        assert_eq!(
            (symbol.0.as_str(), symbol.1.as_str()),
            ("open_drawer", "function")
        );
    });
}

#[test]
fn what_is_meant_is_found_beside_what_has_the_words_and_counts_with_it() {
    with_index(|index, _| {
        let boat = "fn sail() {}";
        let till = "fn open_drawer() {}";
        let notes = "How to open the drawer.";
        index
            .put(&[
                file("src/boat.rs", &["sail"], &[], boat),
                file("src/copy.rs", &["sail"], &[], boat),
                file("src/till.rs", &["open_drawer"], &[], till),
                file("notes.md", &[], &[], notes),
            ])
            .unwrap();
        let mut meant = |asked: &str, meant: &[&str]| -> Vec<(String, f64)> {
            let prints: Vec<TextPrint> = meant.iter().map(|text| TextPrint::of(text)).collect();
            let found = index.find_meant(asked, &prints, 10).unwrap();
            found.into_iter().map(|it| (it.file, it.score)).collect()
        };
        let rank = |rank: f64| 1.0 / (60.0 + rank);
        assert_eq!(meant("vessel", &[]), []);
        // Nothing has the word. Both places of the text are found.
        assert_eq!(
            meant("vessel", &[boat, "unknown", till]),
            [
                ("src/boat.rs".to_owned(), rank(1.0)),
                ("src/copy.rs".to_owned(), rank(2.0)),
                ("src/till.rs".to_owned(), rank(3.0)),
            ]
        );
        // By the name, by the words, and by the meaning.
        assert_eq!(
            meant("drawer", &[notes, till]),
            [
                ("src/till.rs".to_owned(), rank(1.0) + rank(2.0) + rank(2.0)),
                ("notes.md".to_owned(), rank(1.0) + rank(1.0)),
            ]
        );
        let found = index
            .find_meant("vessel", &[TextPrint::of(boat)], 1)
            .unwrap();
        let symbol = found.first().unwrap().symbol.as_ref().unwrap();
        assert_eq!(symbol.0, "sail");
        let prints = index.prints().unwrap();
        assert_eq!(prints.len(), 3);
        let after = index.pieces("notes.md", 2).unwrap();
        let files: Vec<&str> = after.iter().map(|it| it.file.as_str()).collect();
        assert_eq!(files, ["src/boat.rs", "src/copy.rs"]);
        index
            .remove(&["src/boat.rs".to_owned(), "src/copy.rs".to_owned()])
            .unwrap();
        assert_eq!(index.prints().unwrap().len(), 2);
    });
}

#[test]
fn a_file_that_is_taken_up_anew_is_what_it_is_now() {
    with_index(|index, _| {
        index
            .put(&[file("a.rs", &["old"], &["helper"], "fn old() { helper() }")])
            .unwrap();
        let mut newer = file("a.rs", &["new"], &[], "fn new() {}");
        newer.stamp.stamp = 2;
        index.put(&[newer]).unwrap();
        assert_eq!(found(index, "old"), Vec::<String>::new());
        assert_eq!(found(index, "new"), ["a.rs"]);
        assert!(index.definitions("old", 9).unwrap().is_empty());
        assert!(index.users("helper", 9).unwrap().is_empty());
        assert_eq!(index.stamps().unwrap().get("a.rs").unwrap().stamp, 2);
        index.remove(&["a.rs".to_owned()]).unwrap();
        assert_eq!(found(index, "new"), Vec::<String>::new());
        assert_eq!(index.size().unwrap().files, 0);
    });
}

#[test]
fn files_are_linked_by_the_names_that_few_define() {
    with_index(|index, _| {
        let many = ["b.rs", "c.rs", "d.rs"].map(|name| file(name, &["new"], &[], ""));
        index.put(&many).unwrap();
        index
            .put(&[
                file("e.rs", &["Till"], &[], ""),
                file("a.rs", &[], &["new", "Till", "std"], ""),
            ])
            .unwrap();
        let links = index.links("a.rs", 2).unwrap();
        let links: Vec<_> = links
            .iter()
            .map(|it| (it.name.as_str(), it.file.as_str()))
            .collect();
        assert_eq!(links, [("Till", "e.rs")]);
        assert_eq!(index.links("a.rs", 3).unwrap().len(), 4);
        assert_eq!(
            index.users("Till", 9).unwrap().first().unwrap().file,
            "a.rs"
        );
    });
}

#[test]
fn what_is_damaged_is_begun_anew() {
    let spoil: [fn(&Utf8Path); 3] = [
        |path| {
            fs::write(
                path,
                "not a database, by any means, and longer than its head",
            )
            .unwrap();
        },
        |path| {
            let mut bytes = fs::read(path).unwrap();
            for byte in bytes.iter_mut().skip(4096) {
                *byte ^= 0x5a;
            }
            fs::write(path, bytes).unwrap();
        },
        |path| fs::write(path, "").unwrap(),
    ];
    for spoil in spoil {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("index/a.db")).unwrap();
        let mut index = open(&path);
        index
            .put(&[file("a.rs", &["one"], &[], "one two three")])
            .unwrap();
        drop(index);
        spoil(&path);
        // What opening does not see, asking does.
        let mut index = open(&path);
        if index.is_spoilt() {
            index.discard();
            index = open(&path);
        }
        assert!(index.stamps().unwrap().is_empty());
        index.put(&[file("b.rs", &["two"], &[], "")]).unwrap();
        assert_eq!(found(&mut index, "two"), ["b.rs"]);
    }
}

#[test]
fn a_reader_sees_what_is_written_beside_it() {
    with_index(|index, path| {
        let nowhere = path.with_file_name("none.db");
        assert!(Index::read(&nowhere).unwrap().is_none());
        let mut reader = Index::read(path).unwrap().unwrap();
        index.put(&[file("a.rs", &["one"], &[], "")]).unwrap();
        assert_eq!(found(&mut reader, "one"), ["a.rs"]);
        assert!(reader.put(&[file("b.rs", &[], &[], "")]).is_err());
    });
}

#[test]
fn an_index_that_nobody_opens_goes() {
    let folder = tempfile::tempdir().unwrap();
    let state = Utf8Path::from_path(folder.path()).unwrap();
    let [old, kept] = ["/old", "/kept"].map(|it| Index::path_in(state, &[it.into()]));
    drop(open(&old));
    let later = SystemTime::now() + Duration::from_hours(24 * 61);
    drop(Index::open(&kept, later).unwrap());
    assert!(!old.exists() && kept.exists());
}

#[test]
fn an_index_that_is_opened_stays() {
    let folder = tempfile::tempdir().unwrap();
    let state = Utf8Path::from_path(folder.path()).unwrap();
    let [used, other] = ["/used", "/other"].map(|it| Index::path_in(state, &[it.into()]));
    let in_days = |days: u64| SystemTime::now() + Duration::from_hours(24 * days);
    drop(open(&used));
    // Nothing is written into it.
    drop(Index::open(&used, in_days(40)).unwrap());
    drop(Index::open(&other, in_days(80)).unwrap());
    assert!(used.exists());
    drop(Index::open(&other, in_days(101)).unwrap());
    assert!(!used.exists());
}

#[test]
fn an_index_of_another_form_is_begun_anew() {
    for form in [0, 7] {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("a.db")).unwrap();
        open(&path).put(&[file("a.rs", &[], &[], "")]).unwrap();
        let other = rusqlite::Connection::open(&path).unwrap();
        other.pragma_update(None, "user_version", form).unwrap();
        drop(other);
        assert!(open(&path).stamps().unwrap().is_empty());
    }
}

#[test]
fn names_that_nothing_has_any_more_go() {
    with_index(|index, path| {
        let names = || -> Vec<String> {
            let beside = rusqlite::Connection::open(path).unwrap();
            let mut all = beside
                .prepare("SELECT name FROM name ORDER BY name")
                .unwrap();
            let rows = all.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let here = file("b.rs", &["here"], &["used"], "");
        index
            .put(&[file("a.rs", &["gone"], &["used", "unused"], ""), here])
            .unwrap();
        index.remove(&["a.rs".to_owned()]).unwrap();
        index.prune().unwrap();
        assert_eq!(names(), ["here", "used"]);
    });
}

#[cfg(unix)]
#[test]
fn only_the_user_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    with_index(|index, path| {
        index.put(&[file("a.rs", &["one"], &[], "")]).unwrap();
        for file in path.parent().unwrap().read_dir_utf8().unwrap() {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        rng_seed: RngSeed::Fixed(6),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever is put and removed in whatever order: every file that is there is found by its words, and
    /// no other.
    #[test]
    fn what_is_found_is_what_is_there(steps in prop::collection::vec((0_usize..5, any::<bool>()), 1..20)) {
        with_index(|index, _| {
            let name = |at: usize| format!("file{at}.rs");
            let mut there = std::collections::BTreeSet::new();
            for (at, is_put) in steps {
                if is_put {
                    index.put(&[file(&name(at), &["shared_name"], &["used"], "shared words")]).unwrap();
                    there.insert(name(at));
                } else {
                    index.remove(&[name(at)]).unwrap();
                    there.remove(&name(at));
                }
            }
            let mut files = found(index, "shared");
            files.sort();
            let there: Vec<String> = there.into_iter().collect();
            assert_eq!(&files, &there);
            let users: Vec<String> = index.users("used", 9).unwrap().into_iter().map(|it| it.file).collect();
            assert_eq!(users, there);
        });
    }
}
