//! Which model answers for which role, who stands in, and what a workspace may say to that.
#![allow(clippy::indexing_slicing)]

use pleach_policy::{Effort, Loaded, Role, narrow, overlay, parse};
use serde_json::json;

const MINE: &str = r#"
engine = "claude"
fallbacks = ["local", "builtin"]

[models]
reviewer = "local"
coder = ["gemini", "claude"]

[providers.claude]
kind = "anthropic"
model = "claude-opus-5-5"
effort = "high"

[providers.gemini]
kind = "gemini"
model = "gemini-3.5-flash"

[providers.local]
base_url = "http://127.0.0.1:8080"
model = "qwen"
"#;

fn codes(loaded: &Loaded) -> Vec<&str> {
    let problems = loaded.problems.iter();
    problems.map(|problem| problem.code).collect()
}

#[test]
fn a_role_has_its_own_model_and_everything_has_those_that_stand_in() {
    let mine = parse(MINE);
    assert_eq!(codes(&mine), ["builtin_fallback"]);
    let settings = mine.settings;
    assert_eq!(settings.engines(Role::Planner), ["claude", "local"]);
    assert_eq!(settings.engines(Role::Coder), ["gemini", "claude", "local"]);
    assert_eq!(settings.engines(Role::Reviewer), ["local"]);
    assert_eq!(settings.model_for(Role::Tester), Some("claude"));
    assert_eq!(settings.providers["claude"].effort, Some(Effort::High));
    let used = settings.engines_in_use();
    assert_eq!(used["gemini"], [Role::Coder]);
    assert_eq!(used["local"], [Role::Reviewer]);
}

#[test]
fn nothing_stands_in_unasked() {
    let settings =
        parse("engine = 'a'\n[providers.a]\nbase_url = 'http://[::1]:1'\nmodel = 'm'").settings;
    assert_eq!(settings.engines(Role::Coder), ["a"]);
    assert_eq!(parse("").settings.engines(Role::Coder), ["builtin"]);
    assert_eq!(parse("").settings.model_for(Role::Coder), None);
}

#[test]
fn a_role_or_a_provider_that_does_not_exist_is_told() {
    let loaded = parse("[models]\ncodr = 'builtin'\nplanner = 'clade'\ntester = 7\n");
    assert_eq!(
        codes(&loaded),
        ["unknown_key", "unknown_engine", "wrong_type"]
    );
    assert!(loaded.problems[0].message.contains("did you mean `coder`?"));
    // Nothing answers, rather than something that was not asked for.
    assert_eq!(loaded.settings.engines(Role::Planner), ["clade"]);
}

#[test]
fn a_workspace_may_only_turn_all_models_off() {
    let mine = parse(MINE).settings;
    let here = narrow(&mine, "fallbacks = ['gemini']\nmodels.coder = 'local'\n");
    assert_eq!(codes(&here), ["workspace_widens", "workspace_widens"]);
    assert_eq!(here.settings, mine);
    let here = narrow(&mine, "engine = 'builtin'");
    assert_eq!(codes(&here), [""; 0]);
    for role in Role::ALL {
        assert_eq!(here.settings.engines(role), ["builtin"]);
    }
}

#[test]
fn the_cache_and_the_pace_of_actions_can_be_lowered_by_a_workspace_and_not_raised() {
    let mine = overlay(
        &parse("cache.hours = 5\n").settings,
        &json!({"actions": {"per_minute": {"review": 6}}}),
    );
    assert_eq!(codes(&mine), [""; 0]);
    let here = narrow(
        &mine.settings,
        "cache.enabled = false\ncache.hours = 6\n[actions.per_minute]\nreview = 7\nfix = 2\nfixx = 1\n",
    );
    let expected = ["workspace_widens", "workspace_widens", "unknown_key"];
    assert_eq!(codes(&here), expected);
    let settings = here.settings;
    assert_eq!((settings.cache.enabled, settings.cache.hours), (false, 5));
    let pace = &settings.actions.per_minute;
    assert_eq!((pace["review"], pace["fix"], pace.len()), (6, 2, 2));
}
