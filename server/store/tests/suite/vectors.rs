//! Embeddings of the texts of a workspace.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use pleach_store::{TextPrint, Vectors};

const MODEL: &str = "gemini embed-1";
const DAY: Duration = Duration::from_hours(24);
const PLENTY: u64 = 1 << 30;

fn with_vectors(work: impl FnOnce(&mut Vectors, &Utf8Path)) {
    let folder = tempfile::tempdir().unwrap();
    let state = Utf8Path::from_path(folder.path()).unwrap();
    let path = Vectors::path_in(state, &["/project".into()]);
    work(&mut open(&path), &path);
}

fn open(path: &Utf8Path) -> Vectors {
    Vectors::open(path, now()).unwrap()
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + DAY * 20_000
}

fn print(text: &str) -> TextPrint {
    TextPrint::of(text)
}

fn put(vectors: &mut Vectors, model: &str, texts: &[(&str, &[f32])]) {
    let all: Vec<_> = texts
        .iter()
        .map(|(text, it)| (print(text), it.to_vec()))
        .collect();
    vectors.put(model, &all, 7, now()).unwrap();
}

fn nearest(vectors: &mut Vectors, question: &[f32]) -> Vec<TextPrint> {
    let near = vectors.nearest(MODEL, question, 9).unwrap();
    near.into_iter().map(|(print, _)| print).collect()
}

#[test]
fn what_points_the_same_way_is_nearest_and_what_points_away_is_not_found() {
    with_vectors(|vectors, path| {
        put(
            vectors,
            MODEL,
            &[
                ("sea", &[0.9, 0.1, 0.0]),
                ("coast", &[0.5, 0.5, 0.0]),
                ("tax", &[-0.2, 0.0, 1.0]),
                ("silence", &[]),
            ],
        );
        put(vectors, "another", &[("sea", &[0.0, 0.0, 1.0])]);
        assert_eq!(
            nearest(vectors, &[3.0, 0.0, 0.0]),
            [print("sea"), print("coast")]
        );
        assert_eq!(
            nearest(vectors, &[0.0, 0.1, 2.0]),
            [print("tax"), print("coast"), print("sea")]
        );
        // How long they are does not matter.
        let (_, cosine) = vectors
            .nearest(MODEL, &[9.0, 1.0, 0.0], 1)
            .unwrap()
            .remove(0);
        assert!((cosine - 1.0).abs() < 0.001, "{cosine}");
        assert_eq!(nearest(vectors, &[1.0, 0.0]), [], "of another length");
        // Who reads sees the same.
        let mut reader = Vectors::read(path).unwrap().unwrap();
        assert_eq!(
            nearest(&mut reader, &[1.0, 0.0, 0.0]),
            [print("sea"), print("coast")]
        );
        assert_eq!(vectors.known(MODEL).unwrap().len(), 4);
    });
}

#[test]
fn what_has_gone_is_kept_for_a_week() {
    with_vectors(|vectors, _| {
        put(vectors, MODEL, &[("a", &[1.0]), ("b", &[1.0])]);
        let has_a = |it: &TextPrint| *it == print("a");
        for days in [1, 6] {
            vectors
                .keep_only(MODEL, has_a, PLENTY, now() + DAY * days)
                .unwrap();
            assert_eq!(vectors.count(MODEL).unwrap().vectors, 2, "{days}");
        }
        // Back again, it need not be paid for again.
        vectors
            .keep_only(MODEL, |_| true, PLENTY, now() + DAY * 7)
            .unwrap();
        vectors
            .keep_only(MODEL, has_a, PLENTY, now() + DAY * 14)
            .unwrap();
        assert_eq!(vectors.count(MODEL).unwrap().vectors, 2);
        vectors
            .keep_only(MODEL, has_a, PLENTY, now() + DAY * 15)
            .unwrap();
        assert_eq!(vectors.known(MODEL).unwrap(), [print("a")].into());
    });
}

#[test]
fn where_there_is_no_room_what_is_not_needed_goes_first() {
    with_vectors(|vectors, _| {
        put(vectors, MODEL, &[("a", &[1.0; 100]), ("gone", &[1.0; 100])]);
        put(vectors, "another", &[("a", &[1.0; 100])]);
        let is_there = |it: &TextPrint| *it == print("a");
        let size = vectors.count(MODEL).unwrap();
        assert_eq!((size.vectors, size.bytes), (2, 328));
        vectors.keep_only(MODEL, is_there, 400, now()).unwrap();
        assert_eq!(vectors.known(MODEL).unwrap(), [print("a")].into());
        assert_eq!(vectors.count("another").unwrap().vectors, 1, "it fits");
        vectors.keep_only(MODEL, is_there, 200, now()).unwrap();
        assert_eq!(vectors.count("another").unwrap().vectors, 0);
        assert_eq!(vectors.count(MODEL).unwrap().vectors, 1);
    });
}

#[test]
fn another_model_under_the_same_name_begins_anew() {
    with_vectors(|vectors, _| {
        put(vectors, MODEL, &[("a", &[1.0, 0.0])]);
        put(vectors, MODEL, &[("none", &[])]);
        assert_eq!(vectors.known(MODEL).unwrap().len(), 2);
        put(vectors, MODEL, &[("b", &[1.0, 0.0, 0.0])]);
        assert_eq!(vectors.known(MODEL).unwrap(), [print("b")].into());
    });
}

#[test]
fn the_tokens_of_a_day_are_counted_and_outlive_the_session() {
    with_vectors(|vectors, path| {
        put(vectors, MODEL, &[("a", &[1.0])]);
        put(vectors, MODEL, &[("b", &[1.0])]);
        assert_eq!(open(path).sent_on(now()).unwrap(), 14);
        assert_eq!(vectors.sent_on(now() + DAY).unwrap(), 0);
    });
}

#[test]
fn only_the_user_can_read_them_and_damage_begins_anew() {
    with_vectors(|vectors, path| {
        put(vectors, MODEL, &[("a", &[1.0])]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let state = Utf8PathBuf::try_from(folder.path().to_owned()).unwrap();
    let path = Vectors::path_in(&state, &[]);
    assert!(Vectors::read(&path).unwrap().is_none());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(
        &path,
        "no database, but a text that is longer than the head of one would be",
    )
    .unwrap();
    let mut vectors = open(&path);
    put(&mut vectors, MODEL, &[("a", &[1.0])]);
    assert_eq!(vectors.known(MODEL).unwrap().len(), 1);
}
