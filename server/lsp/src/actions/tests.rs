#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;

fn context() -> ActionContext<'static> {
    static OWN: std::sync::OnceLock<std::sync::Arc<Roster>> = std::sync::OnceLock::new();
    ActionContext {
        uri: "file:///a.rs",
        version: 1,
        range: lsp_types::Range::default(),
        bytes: (0, 0),
        language: Some(Language::Rust),
        may_edit: true,
        may_read: true,
        symbol: None,
        identifier: None,
        comment: None,
        open_end: false,
        lacks_part: false,
        can_invert: false,
        holds_reply: false,
        diagnostics: &[],
        own: OWN.get_or_init(Roster::built_in),
        only: None,
        model: false,
        reader: false,
        input_box: false,
        running: &[],
        pending: &[],
        findings: &[],
        has_folder: false,
        entry: None,
        undo: None,
        cost: None,
    }
}

fn titles(context: &ActionContext<'_>) -> Vec<String> {
    list(context)
        .into_iter()
        .map(|action| action.title)
        .collect()
}

#[test]
fn what_needs_a_model_is_not_listed_without_one() {
    let unknown = ActionContext {
        language: None,
        ..context()
    };
    assert!(titles(&unknown).is_empty());
    // What a tree proves needs none.
    assert_eq!(titles(&context()), ["Review this file"]);
    let tests = "Run the project's tests";
    let without = ActionContext {
        has_folder: true,
        ..context()
    };
    let changes = "Review what has changed since the last commit";
    assert_eq!(titles(&without), ["Review this file", changes, tests]);
    let with_model = ActionContext {
        model: true,
        reader: true,
        ..without
    };
    let of_file = ["Explain this", "Review this file", changes, tests];
    assert_eq!(titles(&with_model), of_file);
    let selected = ActionContext {
        bytes: (0, 3),
        has_folder: false,
        ..with_model
    };
    let of_selection = ["Explain this", "Review this", "Review this file"];
    assert_eq!(titles(&selected), of_selection);
}

#[test]
fn a_finding_can_be_mended_with_a_model_and_dismissed_without() {
    let found = PlacedFinding {
        id: 7,
        message: "Panics".into(),
    };
    let place = json!({"line": 0, "character": 0});
    let shown: Diagnostic = serde_json::from_value(json!({
        "range": {"start": place, "end": place}, "source": SOURCE, "data": {"finding": 7},
        "message": "Panics (reviewer · fake)",
    }))
    .unwrap();
    let context = ActionContext {
        findings: std::slice::from_ref(&found),
        diagnostics: std::slice::from_ref(&shown),
        ..context()
    };
    let review = "Review this file";
    let listed = ["Dismiss: Panics", "Explain: Panics", review];
    assert_eq!(titles(&context), listed);
    let context = ActionContext {
        model: true,
        ..context
    };
    let listed = list(&context);
    assert_eq!(listed[0].title, "Fix with Pleach: Panics");
    let of = listed[0].diagnostics.as_ref().unwrap();
    assert_eq!(of, std::slice::from_ref(&shown));
}

/// A diagnostic in line `line`.
fn unused(line: u32) -> Diagnostic {
    let place = json!({"line": line, "character": 4});
    serde_json::from_value(json!({
        "range": {"start": place, "end": place}, "message": format!("unused import: `a{line}`"),
    }))
    .unwrap()
}

#[test]
fn each_diagnostic_can_be_fixed_and_the_menu_stays_short() {
    let only = [CodeActionKind::QuickFix];
    let fixes = |diagnostics: &[Diagnostic]| {
        let mut context = context();
        context.diagnostics = diagnostics;
        context.range.start.line = 7;
        context.only = Some(&only);
        titles(&context)
    };
    assert_eq!(
        fixes(&[unused(7)]),
        ["Fix with Pleach: unused import: `a7`"]
    );
    // The same problem, told twice.
    assert_eq!(fixes(&[unused(7), unused(7)]).len(), 1);
    // What cannot be mended without a model does not take the place of what can.
    let mut many: Vec<Diagnostic> = (0..9).map(unused).collect();
    for other in &mut many[..4] {
        other.message = lsp_types::Message::String("mismatched types".into());
    }
    assert_eq!(
        fixes(&many),
        [
            "Fix with Pleach: unused import: `a7`",
            "Fix with Pleach: unused import: `a6`",
            "Fix with Pleach: unused import: `a8`",
            "Fix all 5 problems here with Pleach",
        ]
    );
}

#[test]
fn what_a_tree_can_do_is_listed_without_a_model() {
    let place = ActionContext {
        lacks_part: true,
        can_invert: true,
        ..context()
    };
    let listed = list(&place);
    let titles: Vec<&str> = listed.iter().map(|it| it.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Add the arms or members that are missing",
            "Turn this `if` round",
            "Review this file"
        ]
    );
    let command = listed[1].command.as_ref().unwrap();
    assert_eq!(command.command, Action::Rewrite.command());
}

#[test]
fn what_may_not_be_edited_can_be_explained() {
    let denied = ActionContext {
        model: true,
        reader: true,
        may_edit: false,
        comment: Some("rename x to y"),
        ..context()
    };
    assert_eq!(titles(&denied)[..2], ["Explain this", "Review this file"]);
    let secret = ActionContext {
        may_read: false,
        ..denied
    };
    assert!(titles(&secret).is_empty());
}

#[test]
fn many_running_jobs_are_cancelled_by_one_entry() {
    let running: Vec<(JobId, String)> = (1..=5).map(|job| (job, format!("job {job}"))).collect();
    let busy = ActionContext {
        running: &running,
        language: None,
        ..context()
    };
    assert_eq!(
        titles(&busy),
        [
            "Cancel: job 5",
            "Cancel: job 4",
            "Cancel: job 3",
            "Cancel all 5 jobs"
        ]
    );
}

#[test]
fn the_kinds_that_were_asked_for_are_honoured() {
    let only = [CodeActionKind::Source];
    let some = ActionContext {
        model: true,
        reader: true,
        only: Some(&only),
        has_folder: true,
        ..context()
    };
    assert_eq!(titles(&some).len(), 4);
    let only = [CodeActionKind::QuickFix];
    let none = ActionContext {
        model: true,
        reader: true,
        only: Some(&only),
        ..context()
    };
    assert!(titles(&none).is_empty());
    // `sourcery` is not below `source`.
    assert!(!asked_for(
        Some(&[CodeActionKind::Source]),
        "sourcery.pleach"
    ));
}

#[test]
fn every_entry_is_a_command_without_an_edit() {
    let running = [(3, "Document `x`".to_owned())];
    let all = ActionContext {
        model: true,
        reader: true,
        input_box: true,
        holds_reply: true,
        comment: Some("rename x to y"),
        running: &running,
        undo: Some("Document `x`"),
        ..context()
    };
    for action in list(&all) {
        assert!(
            action.command.is_some() && action.edit.is_none(),
            "{}",
            action.title
        );
        assert_eq!(action.is_preferred, None);
    }
}
