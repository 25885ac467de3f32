//! Answers that are kept for a while.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, SystemTime};

use camino::Utf8Path;
use pleach_store::{CacheBounds, CacheSize, Store};

const HOUR: Duration = Duration::from_hours(1);
const BOUNDS: CacheBounds = CacheBounds {
    age: HOUR,
    bytes: 10,
};

fn with_store(work: impl FnOnce(&mut Store, SystemTime)) {
    let folder = tempfile::tempdir().unwrap();
    let state = Utf8Path::from_path(folder.path()).unwrap();
    work(&mut Store::new(state), SystemTime::now());
}

#[test]
fn an_answer_is_there_until_it_is_too_old_or_forgotten() {
    with_store(|store, now| {
        store.cache("a", "one", now, BOUNDS).unwrap();
        store.cache("b", "two", now, BOUNDS).unwrap();
        let later = now + HOUR;
        assert_eq!(store.cached("a", later, BOUNDS).unwrap().unwrap(), "one");
        assert_eq!(store.cached("c", later, BOUNDS).unwrap(), None);
        let too_late = later + Duration::from_millis(2);
        assert_eq!(store.cached("a", too_late, BOUNDS).unwrap(), None);
        store.forget_cached("b").unwrap();
        assert_eq!(store.cached("b", now, BOUNDS).unwrap(), None);
        // What is too old goes with the next one that comes.
        store.cache("c", "three", too_late, BOUNDS).unwrap();
        let size = store.cache_size().unwrap();
        assert_eq!(
            size,
            CacheSize {
                answers: 1,
                bytes: 5
            }
        );
    });
}

#[test]
fn what_was_used_longest_ago_gives_way() {
    with_store(|store, now| {
        let at = |seconds| now + Duration::from_secs(seconds);
        store.cache("a", "aaaa", at(0), BOUNDS).unwrap();
        store.cache("b", "bbbb", at(1), BOUNDS).unwrap();
        assert!(store.cached("a", at(2), BOUNDS).unwrap().is_some());
        store.cache("c", "cccc", at(3), BOUNDS).unwrap();
        assert!(store.cached("a", at(4), BOUNDS).unwrap().is_some());
        assert_eq!(store.cached("b", at(4), BOUNDS).unwrap(), None);
        // More than everything together may have.
        store.cache("d", "ddddddddddd", at(5), BOUNDS).unwrap();
        assert_eq!(store.cached("d", at(6), BOUNDS).unwrap(), None);
        assert!(store.cached("c", at(6), BOUNDS).unwrap().is_some());
    });
}
