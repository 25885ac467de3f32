//! What templates make, and what a hostile one cannot.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_policy::PathRules;
use pleach_workspace::WorkspaceSnapshot;

use super::*;

/// A workspace with a template `t` in it, of this description and these files.
fn with_template(head: &str, files: &[(&str, &str)]) -> (tempfile::TempDir, WorkspaceSnapshot) {
    let (guard, root) = folder();
    write(&root, ".pleach/templates/t/template.toml", head);
    for (name, text) in files {
        write(&root, &format!(".pleach/templates/t/files/{name}"), text);
    }
    let workspace = WorkspaceSnapshot::new(&[root], [], PathRules::default());
    (guard, workspace)
}

fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let guard = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(guard.path()).unwrap();
    let root = root.canonicalize_utf8().unwrap();
    (guard, root)
}

fn folder_called(name: &str) -> (tempfile::TempDir, Utf8PathBuf) {
    let (guard, root) = folder();
    let inside = root.join(name);
    fs::create_dir(&inside).unwrap();
    (guard, inside)
}

fn write(root: &Utf8Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn given(values: &[(&str, &str)]) -> BTreeMap<String, String> {
    let values = values.iter();
    values
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn make(
    workspace: &WorkspaceSnapshot,
    name: &str,
    values: &[(&str, &str)],
    folder: &str,
) -> Result<BTreeMap<String, String>, TemplateFailure> {
    let templates = Templates::read(None, workspace);
    let made = templates.scaffold(name, &given(values), folder, workspace)?;
    let texts = made.proposal.texts_after().into_iter();
    Ok(texts.map(|(path, text)| (path, text.unwrap())).collect())
}

const HEAD: &str = "description = \"A thing\"\n[[variable]]\nname = \"name\"\nask = \"its name\"\n";

#[test]
fn files_are_made_with_their_holes_filled_and_others_as_they_are() {
    let (_guard, workspace) = with_template(
        HEAD,
        &[
            (
                "{{ name | snake }}/{{ name }}.txt.j2",
                "Hello {{ name }}.\n",
            ),
            ("as-it-is.yml", "run: ${{ secrets }}\r\n"),
            ("{% if name == 'other' %}x{% endif %}/left-out.txt", "no\n"),
        ],
    );
    let made = make(&workspace, "t", &[("name", "TillDrawer")], "new/place").unwrap();
    let made: Vec<(&str, &str)> = made.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(
        made,
        [
            ("new/place/as-it-is.yml", "run: ${{ secrets }}\r\n"),
            (
                "new/place/till_drawer/TillDrawer.txt",
                "Hello TillDrawer.\n"
            ),
        ]
    );
    assert!(!workspace.roots().first().unwrap().join("new").exists());
}

#[test]
fn what_is_missing_is_listed_with_what_has_a_default() {
    let head = "description = \"A thing\"\n\
        [[variable]]\nname = \"name\"\nask = \"its name\"\n\
        [[variable]]\nname = \"kind\"\nchoices = [\"a\", \"b\"]\n\
        [[variable]]\nname = \"module\"\ndefault = \"{{ name | snake }}\"\n\
        pattern = '[a-z_]+'\n";
    let (_guard, workspace) = with_template(head, &[("a.txt.j2", "{{ module }} {{ kind }}\n")]);
    let refused = |values: &[(&str, &str)]| {
        let failure = make(&workspace, "t", values, "").unwrap_err();
        (failure.code(), failure.to_string())
    };
    assert_eq!(
        refused(&[]),
        (
            "template-needs",
            "the template `t` needs `name` (its name), `kind` (a, b); with a default: \
             `module` ({{ name | snake }})"
                .to_owned()
        )
    );
    for (values, code, told) in [
        (
            [("name", "n"), ("kind", "c")],
            "template-value",
            "one of a, b",
        ),
        (
            [("name", "n1"), ("kind", "a")],
            "template-value",
            "match `[a-z_]+`",
        ),
        (
            [("name", "a\u{202e}b"), ("kind", "a")],
            "template-value",
            "cannot be seen",
        ),
        (
            [("name", "n"), ("colour", "a")],
            "template-value",
            "no variable `colour`",
        ),
    ] {
        let (is, message) = refused(&values);
        assert_eq!(is, code);
        assert!(message.contains(told), "{message}");
    }
    let made = make(&workspace, "t", &[("name", "TheTill"), ("kind", "a")], "").unwrap();
    assert_eq!(made.values().next().unwrap(), "the_till a\n");
    assert_eq!(
        make(&workspace, "u", &[], "").unwrap_err().code(),
        "no-template"
    );
}

#[test]
fn nothing_is_made_where_a_file_is_or_where_none_may_be() {
    for (file, name, code) in [
        ("a.txt", "x", "file-exists"),
        ("{{ name }}", "../outside", "denied-path"),
        ("{{ name }}", ".git/config", "denied-path"),
        ("{{ name }}", ".git/hooks/post-checkout", "denied-path"),
        ("{{ name }}", ".vscode/tasks.json", "denied-path"),
        ("{{ name }}", ".github/workflows/a.yml", "denied-path"),
        ("{{ name }}", "link/a.txt", "denied-path"),
        ("{{ name }}", "pleach.toml", "denied-path"),
        ("{{ name }}", "/tmp", "broken-template"),
    ] {
        let (_guard, workspace) = with_template(HEAD, &[(file, "x\n")]);
        let root = workspace.roots().first().unwrap();
        write(root, "a.txt", "mine\n");
        #[cfg(unix)]
        std::os::unix::fs::symlink("/", root.join("link")).unwrap();
        let failure = make(&workspace, "t", &[("name", name)], "").unwrap_err();
        assert_eq!(failure.code(), code, "{file} {name}: {failure}");
    }
    let (_guard, workspace) = with_template(HEAD, &[("a.txt", "x\n")]);
    let failure = make(&workspace, "t", &[("name", "n")], "../elsewhere").unwrap_err();
    assert_eq!(failure.code(), "denied-path");
}

#[test]
fn a_broken_template_is_told_in_its_file_and_makes_nothing() {
    for (head, message) in [
        ("", "missing field `description`"),
        ("description = 1\n", "expected a string"),
        (
            "description = \"a\"\ncolour = 1\n",
            "unknown field `colour`",
        ),
        (
            "description = \"a\"\n[[variable]]\nname = \"A-b\"\n",
            "`A-b` is no name",
        ),
        (
            "description = \"a\"\n[[variable]]\nname = \"a\"\npattern = \"(\"\n",
            "no regular expression",
        ),
        (
            "description = \"a\"\n[[variable]]\nname = \"a\"\npattern = \"a)|(?:b\"\n",
            "no regular expression",
        ),
        (
            "description = \"a\"\n[[variable]]\nname = \"a\"\ndefault = \"{{ b }}\"\n",
            "`b` is no variable",
        ),
        (
            "description = \"a\"\n[[variable]]\nname = \"a\"\ndefault = \"c\"\nchoices = [\"d\"]\n",
            "one of d",
        ),
    ] {
        let (_guard, workspace) = with_template(head, &[("a.txt", "x\n")]);
        let templates = Templates::read(None, &workspace);
        let told = &templates.files.first().unwrap().problems;
        let told = told.first().map_or("", |it| it.message.as_str());
        assert!(told.contains(message), "{head}: {told}");
        assert!(templates.get("t").is_none());
    }
    for (file, text) in [
        ("a.rs.j2", "fn {{ name }}( {\n"),
        ("a.txt.j2", "{{ other }}\n"),
        ("a.txt.j2", "{% for a in name %}{% endfor %}\n"),
        ("{{ name", "x\n"),
    ] {
        let (_guard, workspace) = with_template(HEAD, &[(file, text)]);
        let failure = make(&workspace, "t", &[("name", "n")], "").unwrap_err();
        assert!(
            matches!(failure.code(), "broken-template" | "syntax_worse"),
            "{file}: {failure}"
        );
    }
    let twice = [("{{ name }}.txt", "a\n"), ("A.txt", "b\n")];
    let (_guard, workspace) = with_template(HEAD, &twice);
    let failure = make(&workspace, "t", &[("name", "a")], "").unwrap_err();
    assert_eq!(failure.code(), "broken-template");
}

#[cfg(unix)]
#[test]
fn a_template_cannot_copy_what_may_not_be_read() {
    for target in ["../../../../.env", "/etc/hostname"] {
        let (_guard, workspace) = with_template(HEAD, &[("a.txt", "x\n")]);
        let root = workspace.roots().first().unwrap();
        write(root, ".env", "KEY=secret\n");
        let link = root.join(".pleach/templates/t/files/b.txt");
        std::os::unix::fs::symlink(target, link).unwrap();
        let failure = make(&workspace, "t", &[("name", "n")], "").unwrap_err();
        assert_eq!(failure.code(), "broken-template", "{failure}");
        assert!(failure.to_string().contains("files/b.txt"), "{failure}");
    }
}

#[test]
fn what_cannot_be_made_whole_is_not_made() {
    for name in [".env", "server.pem"] {
        let (_guard, workspace) = with_template(HEAD, &[("a.txt", "x\n"), (name, "KEY=1\n")]);
        let failure = make(&workspace, "t", &[("name", "n")], "").unwrap_err();
        assert_eq!(failure.code(), "broken-template", "{failure}");
        assert!(
            failure.to_string().contains(&format!("files/{name}")),
            "{failure}"
        );
    }
    let names: Vec<String> = (0..=MOST_FILES)
        .map(|number| format!("{number}.txt"))
        .collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x\n")).collect();
    let (_guard, workspace) = with_template(HEAD, &files);
    let failure = make(&workspace, "t", &[("name", "n")], "").unwrap_err();
    assert!(
        failure.to_string().contains("more than 200 files"),
        "{failure}"
    );
}

#[test]
fn a_folder_is_meant_as_it_is_written() {
    let (_guard, workspace) = with_template(HEAD, &[("a.txt", "x\n")]);
    let root = workspace.roots().first().unwrap();
    let names = |folder: &str| {
        let made = make(&workspace, "t", &[("name", "n")], folder);
        made.map(|made| made.into_keys().collect::<Vec<_>>())
            .map_err(|failure| failure.code())
    };
    for (folder, wanted) in [
        ("", Ok("a.txt")),
        (".", Ok("a.txt")),
        ("b/", Ok("b/a.txt")),
        (root.join("b").as_str(), Ok("b/a.txt")),
        (root.as_str(), Ok("a.txt")),
        ("/home/me/till", Err("denied-path")),
        ("/", Err("denied-path")),
        ("~/till", Err("denied-path")),
    ] {
        let wanted = wanted.map(|name| vec![name.to_owned()]);
        assert_eq!(names(folder), wanted, "{folder}");
    }
    let (_other, more) = folder_called("more");
    let roots = [root.clone(), more];
    let both = WorkspaceSnapshot::new(&roots, [], PathRules::default());
    for folder in ["", "."] {
        let made = make(&both, "t", &[("name", "n")], folder).unwrap();
        let name = format!("{}/a.txt", root.file_name().unwrap());
        assert_eq!(made.into_keys().collect::<Vec<_>>(), [name]);
    }
}

#[test]
fn a_workspace_takes_the_name_of_no_other_template() {
    let (_guard, root) = folder();
    let own = root.join("own");
    let work = root.join("work");
    for (place, says) in [
        ("own/templates/rust-crate", "Mine"),
        ("work/.pleach/templates/rust-crate", "Theirs"),
        ("work/.pleach/templates/go-module", "Theirs"),
        ("work/.pleach/templates/new-one", "Theirs"),
    ] {
        write(
            &root,
            &format!("{place}/template.toml"),
            &format!("description = \"{says}\"\n"),
        );
    }
    let workspace = WorkspaceSnapshot::new(&[work], [], PathRules::default());
    let templates = Templates::read(Some(&own), &workspace);
    let owner = |name: &str| templates.get(name).unwrap().owner;
    assert_eq!(owner("rust-crate"), TemplateOwner::Person);
    assert_eq!(owner("go-module"), TemplateOwner::Pleach);
    assert_eq!(owner("new-one"), TemplateOwner::Workspace);
    let told = templates.files.iter().filter(|it| !it.problems.is_empty());
    assert_eq!(told.count(), 2);
}

#[test]
fn what_comes_with_pleach_makes_files_that_parse() {
    let (_guard, root) = folder();
    let workspace = WorkspaceSnapshot::new(&[root], [], PathRules::default());
    for (name, values, files) in [
        (
            "rust-crate",
            &[("name", "till-drawer")][..],
            "Cargo.toml src/lib.rs",
        ),
        (
            "rust-crate",
            &[("name", "till"), ("kind", "program")],
            "Cargo.toml src/main.rs",
        ),
        (
            "python-package",
            &[("name", "till-drawer")],
            "README.md pyproject.toml src/till_drawer/__init__.py tests/test_till_drawer.py",
        ),
        (
            "typescript-package",
            &[("name", "@shop/till")],
            "package.json src/index.ts test/index.test.ts tsconfig.json",
        ),
        (
            "go-module",
            &[("module", "example.com/till"), ("package", "till")],
            "go.mod till.go till_test.go",
        ),
    ] {
        let made = make(&workspace, name, values, "").unwrap();
        let paths: Vec<&str> = made.keys().map(String::as_str).collect();
        assert_eq!(paths.join(" "), files);
        assert!(!made.values().any(|text| text.contains("{{")), "{made:?}");
    }
}
