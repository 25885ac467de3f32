use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use expect_test::expect;
use serde_json::Value;

use crate::Place;

#[cfg(unix)]
fn program(place: &Place, name: &str, prints: &str) {
    use std::os::unix::fs::PermissionsExt;

    fs::create_dir_all(place.home.join("bin")).unwrap();
    let path = place.home.join("bin").join(name);
    fs::write(&path, format!("#!/bin/sh\necho '{prints}'\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A server on this machine that lists one model, once, and gives back the request it got.
fn provider() -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let request = receive(&mut client);
        answer(&mut client);
        request
    });
    (url, served)
}

fn receive(client: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        let read = client.read(&mut piece).unwrap();
        assert!(read > 0, "the request broke off");
        request.extend_from_slice(&piece[..read]);
    }
    String::from_utf8(request).unwrap()
}

fn answer(client: &mut TcpStream) {
    let body = r#"{"data":[{"id":"qwen"}]}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    write!(
        client,
        "{head}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
}

#[test]
fn a_fresh_machine_has_nothing_wrong_with_it() {
    expect![[r#"
        pleach
          ✓ version VERSION, PLEACH
        settings
          ✓ no HOME/.config/pleach/pleach.toml; the defaults are in force
        engine
          ✓ built-in syntax engine, no AI model
          · no model is set up, which is fine
            `pleach model` shows how to have one
        kept answers
          ✓ HOME/.local/state/pleach/answers
        editors
          · neither Neovim, Helix nor VS Code is on PATH
            any editor that speaks the Language Server Protocol will do: let it start `pleach lsp`

        nothing is wrong
        --- on standard error ---
        --- code 0 ---
    "#]]
    .assert_eq(&Place::new(&[]).run(&["doctor"]).all());
}

#[cfg(unix)]
#[test]
fn editors_are_found_and_old_ones_named() {
    let place = Place::new(&[]);
    program(&place, "nvim", "NVIM v0.10.4\nBuild type: Release");
    program(&place, "hx", "helix 25.07.1 (a05c151b)");
    program(&place, "code", "1.104.2\n7be2dfe\nx64");
    let ran = place.run(&["doctor"]);
    let editors = ran.out.split_once("editors\n").unwrap().1;
    expect![[r#"
          · Neovim 0.10.4 is too old for Pleach
            install Neovim 0.11 or later
          ✓ Helix 25.07.1: set it up with `pleach init helix`
          ✓ VS Code 1.104.2: set it up with `pleach init vscode`

        nothing is wrong
    "#]]
    .assert_eq(editors);
    assert_eq!(ran.code, 0);
}

#[test]
fn a_provider_is_asked_with_its_key_and_the_key_is_not_shown() {
    let place = Place::new(&[]);
    let (url, served) = provider();
    place.settings(&format!(
        "engine = 'mine'\n[providers.mine]\nbase_url = '{url}'\nmodel = 'qwen'\nkey_env = 'MY_KEY'\n"
    ));
    let mut command = place.command(&["doctor"]);
    command.env("MY_KEY", "tell-nobody-1234");
    let ran = place.finish(command, b"");
    assert!(served.join().unwrap().contains("tell-nobody-1234"));
    assert!(!ran.all().contains("tell-nobody"), "{}", ran.all());
    let told = ran.out.replace(&url, "URL");
    assert!(
        told.contains("✓ qwen (mine), the chosen engine: URL answers (key from MY_KEY)"),
        "{told}"
    );
    assert_eq!(ran.code, 0);
}

#[test]
fn a_model_that_the_server_does_not_have_is_a_problem() {
    let place = Place::new(&[]);
    let (url, served) = provider();
    place.settings(&format!(
        "engine = 'mine'\n[providers.mine]\nbase_url = '{url}'\nmodel = 'qwem'\n"
    ));
    let ran = place.run(&["doctor"]);
    served.join().unwrap();
    assert!(
        ran.out.contains("set model in pleach.toml to one of: qwen"),
        "{}",
        ran.out
    );
    assert_eq!(ran.code, 1);
}

/// Five servers of which none answers before all five have been asked.
#[test]
fn providers_are_asked_at_the_same_time() {
    let place = Place::new(&[]);
    let servers: Vec<_> = (0..5)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let settings: Vec<String> = servers
        .iter()
        .enumerate()
        .map(|(number, server)| {
            let address = server.local_addr().unwrap();
            format!("[providers.p{number}]\nbase_url = 'http://{address}/v1'\nmodel = 'qwen'\n")
        })
        .collect();
    place.settings(&settings.concat());
    let served = std::thread::spawn(move || {
        let mut clients: Vec<_> = servers.iter().map(|it| it.accept().unwrap().0).collect();
        for client in &mut clients {
            receive(client);
        }
        for client in &mut clients {
            answer(client);
        }
    });
    let ran = place.run(&["doctor"]);
    served.join().unwrap();
    assert_eq!(
        ran.out.matches("answers (no key)").count(),
        5,
        "{}",
        ran.out
    );
}

#[test]
fn what_is_wrong_in_the_settings_is_told_with_its_place() {
    let place = Place::new(&[(
        "pleach.toml",
        "[providers.x]\nbase_url = 'http://evil.example'\n",
    )]);
    place.settings(
        "engine = 'far'\n\
         [providers.far]\nbase_url = 'http://127.0.0.1:9'\nmodel = 'm'\nkey_env = 'NOT_SET'\n\
         [limits]\nidle_secs = 3\n",
    );
    let ran = place.run(&["doctor"]);
    expect![[r#"
        pleach
          ✓ version VERSION, PLEACH
        settings
          · HOME/.config/pleach/pleach.toml:7:1: `limits.idle_secs` is no setting and is ignored; did you mean `idle_seconds`?
            the rest of the file takes effect
          · pleach.toml:1:12: a workspace cannot set up or change a provider, it could send your key elsewhere; move this into your own settings
            the rest of the file takes effect
        engine
          ✗ far, the chosen engine: the environment variable NOT_SET is not set; the provider `far` reads its key from it
            set NOT_SET where your editor is started, or use key_command in pleach.toml
        kept answers
          ✓ HOME/.local/state/pleach/answers
        editors
          · neither Neovim, Helix nor VS Code is on PATH
            any editor that speaks the Language Server Protocol will do: let it start `pleach lsp`

        1 problem found
        --- on standard error ---
        --- code 1 ---
    "#]].assert_eq(&ran.all());
}

#[test]
fn a_state_folder_that_cannot_be_made_is_a_problem() {
    let place = Place::new(&[("file", "")]);
    let mut command = place.command(&["doctor", "--json"]);
    command.env("PLEACH_STATE_DIR", place.dir.join("file/state"));
    let ran = place.finish(command, b"");
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["ok"], false);
    let findings = report["findings"].as_array().unwrap();
    let bad: Vec<_> = findings
        .iter()
        .filter(|finding| finding["status"] == "problem")
        .collect();
    assert_eq!(bad.len(), 1);
    assert_eq!(bad[0]["area"], "kept answers");
    assert!(bad[0]["fix"].as_str().unwrap().contains("PLEACH_STATE_DIR"));
    assert_eq!(ran.code, 1);
}
