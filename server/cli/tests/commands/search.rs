//! `pleach search`.

use crate::Place;

#[test]
fn places_are_found_by_words_and_only_where_an_index_is_wanted() {
    let place = Place::new(&[("till.rs", "/// Opens it.\npub fn open_drawer() {}\n")]);
    let ran = place.run(&["search", "drawer"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("till.rs:"), "{}", ran.out);

    place.write("pleach.toml", "[context]\nindex = false\n");
    let ran = place.run(&["search", "drawer"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("index = false"), "{}", ran.err);
}
