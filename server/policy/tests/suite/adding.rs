//! A model is added to the user's own file, and what else is in it stays.
#![allow(clippy::unwrap_used, missing_docs)]

use expect_test::expect;
use pleach_policy::{AddModelError, NewModel, ProviderKind, with_model};

fn ollama(model: &str) -> NewModel {
    NewModel {
        name: "ollama".into(),
        kind: ProviderKind::Ollama,
        base_url: None,
        model: model.into(),
        key_env: None,
    }
}

#[test]
fn an_empty_file_gets_what_is_needed() {
    expect![[r#"
        engine = "ollama"

        [providers.ollama]
        kind = "ollama"
        model = "qwen2.5-coder:7b"
    "#]]
    .assert_eq(&with_model("", &ollama("qwen2.5-coder:7b")).unwrap());
}

#[test]
fn comments_order_and_other_keys_stay() {
    let mine = "# mine\nreview = 'land' # at once\nengine = 'builtin' # for now\n\n[providers.ollama]\n\
                # the big one\nkind = 'ollama'\nmodel = 'a'\ntemperature = 0.1\n\n[limits]\nidle_seconds = 5\n";
    expect![[r#"
        # mine
        review = 'land' # at once
        engine = "ollama" # for now

        [providers.ollama]
        # the big one
        kind = "ollama"
        model = "b"
        temperature = 0.1

        [limits]
        idle_seconds = 5
    "#]]
    .assert_eq(&with_model(mine, &ollama("b")).unwrap());
}

#[test]
fn a_provider_of_another_kind_gives_way_and_its_keys_with_it() {
    let mine = "[providers]\nollama = { base_url = 'https://far.example/v1', model = 'a', key_env = 'KEY' }\n";
    let made = with_model(mine, &ollama("b")).unwrap();
    assert!(
        !made.contains("far.example") && !made.contains("KEY"),
        "{made}"
    );
}

#[test]
fn what_could_not_answer_is_not_written() {
    let nowhere = NewModel {
        name: "local".into(),
        kind: ProviderKind::OpenAiCompatible,
        ..ollama("m")
    };
    let refused = with_model("", &nowhere).unwrap_err();
    assert_eq!(refused.code(), "model_unusable");
    assert!(refused.to_string().contains("base_url"), "{refused}");
    let refused = with_model("engine = \n", &ollama("m")).unwrap_err();
    assert!(matches!(refused, AddModelError::Unreadable(_)), "{refused}");
    assert!(with_model("providers = 3\n", &ollama("m")).is_err());
    assert!(with_model("", &ollama("")).is_err());
}
