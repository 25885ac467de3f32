use expect_test::expect;

use crate::Place;

#[test]
fn neovim() {
    expect![[r#"
        vim.lsp.config("pleach", {
          cmd = { "PLEACH", "lsp" },
          root_markers = { "pleach.toml", ".git" },
        })
        vim.lsp.enable("pleach")
        --- on standard error ---
        Put this into ~/.config/nvim/init.lua (Neovim 0.11 or later)


        Open a file and press gra: Pleach's actions are in the list. The plugin in
        editors/neovim adds an input box for instructions, progress and :Pleach commands.
        --- code 0 ---
    "#]]
    .assert_eq(&Place::new(&[]).run(&["init", "neovim"]).all());
}

#[test]
fn vscode() {
    expect![[r#"
        {
          "pleach.path": "PLEACH"
        }
        --- on standard error ---
        Put this into settings.json (Preferences: Open User Settings (JSON)), after installing the extension


        The extension: cd editors/vscode && npm ci && npm run package
          code --install-extension pleach.vsix
        Open a file and press Ctrl+. for its actions.
        --- code 0 ---
    "#]].assert_eq(&Place::new(&[]).run(&["init", "vscode"]).all());
}

#[test]
fn helix_gets_the_file_that_its_own_tests_read() {
    let ran = Place::new(&[]).run(&["init", "helix"]);
    let own = include_str!("../../../../editors/helix/languages.toml");
    assert_eq!(
        ran.out,
        own.replace("command = \"pleach\"", "command = \"PLEACH\"")
    );
}

#[cfg(unix)]
#[test]
fn a_program_on_path_is_called_by_its_name() {
    let place = Place::new(&[]);
    std::fs::create_dir(place.home.join("bin")).unwrap();
    let program = place.home.join("bin/pleach");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pleach"), program).unwrap();
    assert!(
        place
            .run(&["init", "neovim"])
            .out
            .contains(r#"cmd = { "pleach", "lsp" }"#)
    );
}

#[test]
fn another_editor_is_wrong_usage_and_the_known_ones_are_named() {
    let ran = Place::new(&[]).run(&["init", "emacs"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("neovim, vscode, helix"), "{}", ran.err);
}

#[test]
fn completions_for_the_usual_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = Place::new(&[]).run(&["completions", shell]);
        assert_eq!(ran.code, 0, "{shell}");
        assert!(ran.out.contains("doctor"), "{shell}");
    }
}

#[test]
fn help_has_examples() {
    let ran = Place::new(&[]).run(&["--help"]);
    assert!(
        ran.out.contains("pleach apply --write answer.md"),
        "{}",
        ran.out
    );
    assert_eq!(Place::new(&[]).run(&["--version"]).out, "pleach VERSION\n");
}
