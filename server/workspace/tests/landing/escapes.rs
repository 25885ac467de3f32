//! Ways out of the workspace, and into what is denied, tried one by one.

use std::fs;

use camino::Utf8Path;

use super::{Place, Tree, create, delete, edit, rename};

/// What lies outside, and must stay as it is.
const SECRET: &str = "secret\n";

/// Paths that lead out, or to what is denied, by their letters or by links. `{outside}` is the absolute
/// path of the folder beside the workspace.
const ESCAPES: &[&str] = &[
    // Out of the folder.
    "../outside/secret.txt",
    "src/../../outside/secret.txt",
    "./../outside/secret.txt",
    "src//..//../outside/secret.txt",
    "{outside}/secret.txt",
    "//{outside}/secret.txt",
    "file://{outside}/secret.txt",
    "~/secret.txt",
    "~root/secret.txt",
    "C:/outside/secret.txt",
    "C:secret.txt",
    "./C:/outside/secret.txt",
    "..\\outside\\secret.txt",
    "src\\..\\..\\outside\\secret.txt",
    "\\\\server\\share\\secret.txt",
    "\\\\?\\C:\\secret.txt",
    "..\u{2215}outside/../../outside/secret.txt",
    // Through links.
    "link.txt",
    "linked/secret.txt",
    "linked/../outside/secret.txt",
    "chain/secret.txt",
    "up/outside/secret.txt",
    "to_git/config",
    "to_git_file",
    "broken",
    "broken/new.txt",
    "circle/new.txt",
    // Version control, in disguise.
    ".git/config",
    ".git/hooks/pre-commit",
    ".GIT/config",
    ".Git/hooks/post-checkout",
    "src/.git/config",
    ".git./config",
    ".git /config",
    ".git::$INDEX_ALLOCATION/config",
    ".git:x/config",
    "git~1/config",
    "GIT~1/config",
    ".g\u{200c}it/config",
    ".g\u{ad}it/config",
    ".\u{feff}git/config",
    ".git\u{200d}/config",
    ".hg/hgrc",
    ".svn/entries",
    ".jj/config.toml",
    // Keys.
    ".ssh/authorized_keys",
    ".\u{17f}sh/authorized_keys",
    ".SSH/config",
    ".env",
    ".ENV",
    ".env.local",
    ".env::$DATA",
    "id_rsa",
    "server.pem",
    ".npmrc",
    ".aws/credentials",
    ".\u{212a}ube/config",
    // What editors, shells and build servers run.
    ".vscode/tasks.json",
    ".VSCode/launch.json",
    ".vscode/settings.json",
    ".idea/workspace.xml",
    ".helix/config.toml",
    ".nvim.lua",
    ".exrc",
    ".envrc",
    ".bashrc",
    "home/.zshrc",
    ".husky/pre-commit",
    ".devcontainer/devcontainer.json",
    ".github/workflows/ci.yml",
    ".gitlab-ci.yml",
    ".gitlab-ci.yaml",
    "Jenkinsfile",
    "pleach.toml",
    "src/PLEACH.TOML",
    // What cannot be a name, or is another one elsewhere.
    "",
    ".",
    "..",
    "src/",
    "a\0b",
    "a\nb",
    "a\u{202e}txt.exe",
    "con",
    "src/NUL.txt",
    "COM1.rs",
    "name.",
    "name ",
    "src./x",
];

fn place() -> Place {
    let place = Place::new(&[
        ("src/a.txt", "a\n"),
        (".git/config", "git\n"),
        (".vscode/tasks.json", "tasks\n"),
    ]);
    let outside = place.root.with_file_name("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret.txt"), SECRET).unwrap();
    place
}

#[cfg(unix)]
fn link(place: &Place, name: &str, target: impl AsRef<std::path::Path>) {
    std::os::unix::fs::symlink(target, place.root.join(name)).unwrap();
}

/// What is outside, and all of the workspace that no link leads to.
fn state(place: &Place) -> (Tree, Vec<String>) {
    let outside = place.root.with_file_name("outside");
    let mut seen = Tree::new();
    for folder in [
        &outside,
        &place.root.join(".git"),
        &place.root.join(".vscode"),
        &place.root.join("src"),
    ] {
        for entry in folder.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            seen.insert(path.to_string(), fs::read_to_string(&path).ok());
        }
    }
    let beside = |folder: &Utf8Path| -> Vec<String> {
        let mut names: Vec<String> = folder
            .read_dir_utf8()
            .unwrap()
            .map(|entry| entry.unwrap().into_path().to_string())
            .collect();
        names.sort();
        names
    };
    let top = place.root.parent().unwrap();
    let mut names = beside(top);
    names.retain(|name| !name.ends_with("/state"));
    names.extend(beside(&place.root));
    (seen, names)
}

#[cfg(unix)]
#[test]
fn every_way_out_is_refused_whatever_is_to_be_done_there() {
    let place = place();
    let outside = place.root.with_file_name("outside");
    link(&place, "link.txt", outside.join("secret.txt"));
    link(&place, "linked", &outside);
    link(&place, "chain", place.root.join("linked"));
    link(&place, "up", "..");
    link(&place, "to_git", place.root.join(".git"));
    link(&place, "to_git_file", ".git/config");
    link(&place, "broken", "nowhere/at/all");
    link(&place, "circle", "circle");
    let too_long = ["x".repeat(5000), "y/".repeat(3000) + "z", "n".repeat(300)];
    let escapes = ESCAPES
        .iter()
        .map(|path| path.replace("{outside}", outside.as_str()));
    let before = state(&place);
    let mut tried = 0;
    for path in escapes.chain(too_long) {
        let text = if path.contains("git") {
            "git\n"
        } else {
            SECRET
        };
        let ways = [
            create(&path, "ours\n"),
            edit(&path, text, "ours\n"),
            delete(&path, text),
            rename("src/a.txt", &path, "a\n", "a\n"),
            rename(&path, "src/b.txt", text, "ours\n"),
        ];
        for way in ways {
            let refused = place.land(std::slice::from_ref(&way), &place.journal());
            assert!(refused.is_err(), "{way:?}");
            // Nor with another one that is fine.
            let both = [edit("src/a.txt", "a\n", "A\n"), way];
            assert!(place.land(&both, &place.journal()).is_err(), "{both:?}");
            tried += 1;
        }
    }
    assert_eq!(state(&place), before, "nothing was written anywhere");
    assert_eq!(tried, (ESCAPES.len() + 3) * 5);
}

/// A folder on the way becomes a link to a folder outside, with files of the same names, before each
/// operation of a landing.
#[cfg(unix)]
#[test]
fn a_folder_that_turns_into_a_link_at_any_moment_leads_nowhere() {
    let changes = [
        edit("src/a.txt", "a\n", "A\n"),
        create("src/new.txt", "ours\n"),
        delete("src/gone.txt", "bye\n"),
    ];
    let files = &[("src/a.txt", "a\n"), ("src/gone.txt", "bye\n")];
    let theirs = || -> Tree {
        let of = |text: &str| Some(text.to_owned());
        [
            ("a.txt".into(), of("a\n")),
            ("gone.txt".into(), of("bye\n")),
        ]
        .into()
    };
    let mut moments = 0;
    for at in 0.. {
        let place = Place::new(files);
        let outside = place.root.with_file_name("outside");
        fs::create_dir(&outside).unwrap();
        for (name, text) in theirs() {
            fs::write(outside.join(name), text.unwrap()).unwrap();
        }
        let (source, aside, target) = (
            place.root.join("src"),
            place.root.join("aside"),
            outside.clone(),
        );
        let (journal, count) = place.watched(move |number, _, _| {
            if number == at {
                fs::rename(&source, &aside)?;
                std::os::unix::fs::symlink(&target, &source)?;
            }
            Ok(())
        });
        let landed = place.land(&changes, &journal);
        let mut found = Tree::new();
        for entry in outside.read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            found.insert(entry.file_name().to_owned(), Some(text));
        }
        assert_eq!(found, theirs(), "at {at}: {landed:?}");
        if count.load(std::sync::atomic::Ordering::Relaxed) <= at {
            assert!(landed.is_ok());
            break;
        }
        moments += 1;
        // When the folder is back, the landing comes to an end.
        fs::remove_file(place.root.join("src")).unwrap();
        fs::rename(place.root.join("aside"), place.root.join("src")).unwrap();
        place.recover();
        let tree = place.tree();
        let edited = tree["src/a.txt"].as_deref() == Some("A\n");
        assert_eq!(tree.contains_key("src/new.txt"), edited, "{at}: {tree:?}");
        assert_eq!(tree.contains_key("src/gone.txt"), !edited, "{at}: {tree:?}");
    }
    assert!(moments > 20, "{moments}");
}
