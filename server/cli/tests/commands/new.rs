//! `pleach new`.

use crate::Place;

#[test]
fn templates_are_listed_with_what_they_ask_for() {
    let place = Place::new(&[(
        ".pleach/templates/note/template.toml",
        "description = \"A note\"\n[[variable]]\nname = \"topic\"\nask = \"its topic\"\n",
    )]);
    let ran = place.run(&["new"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.contains("note A note (this workspace)"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("  topic=…  its topic"), "{}", ran.out);
    assert!(ran.out.contains("rust-crate A Rust crate"), "{}", ran.out);
}

#[test]
fn a_project_is_made_in_a_new_folder_and_never_over_another() {
    let place = Place::new(&[]);
    let make = ["new", "rust-crate", "--dir", "a/till", "name=till"];
    let shown = place.run(&["new", "rust-crate", "--print", "name=till"]);
    assert!(shown.out.contains("+name = \"till\""), "{}", shown.out);
    let ran = place.run(&make);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("a/till/Cargo.toml"), "{}", ran.err);
    assert!(place.read("a/till/Cargo.toml").contains("name = \"till\""));
    assert!(place.read("a/till/src/lib.rs").contains("till::greet"));

    place.write("a/till/Cargo.toml", "mine\n");
    let again = place.run(&make);
    assert_eq!(again.code, 1);
    assert!(
        again.err.contains("a template changes no file"),
        "{}",
        again.err
    );
    assert_eq!(place.read("a/till/Cargo.toml"), "mine\n");
}

#[test]
fn what_is_missing_is_said() {
    let place = Place::new(&[]);
    let ran = place.run(&["new", "rust-crate"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err
            .contains("needs `name` (the crate's name); with a default: `kind` (library)"),
        "{}",
        ran.err
    );
    assert_eq!(place.run(&["new", "rust-crate", "name"]).code, 2);
    assert_eq!(place.run(&["new", "nothing"]).code, 1);
}
