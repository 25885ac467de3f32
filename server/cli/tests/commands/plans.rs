use crate::Place;

const CODE: &str = "\
pub fn area(width: u32, height: u32) -> u32 {
    width * height
}
";

const PLAN: &str = ".pleach/plans/document-src-lib-rs.md";

fn place() -> Place {
    Place::new(&[("src/lib.rs", CODE)])
}

#[test]
fn a_file_is_documented_by_a_plan_in_two_commands() {
    let place = place();
    let planned = place.run(&["plan", "document", "src/lib.rs"]);
    assert_eq!(planned.code, 0, "{}", planned.all());
    assert!(
        planned
            .err
            .contains("1. Document the function `area` (documenter)"),
        "{}",
        planned.all()
    );
    let plan = place.read(PLAN);

    let ran = place.run(&["run", PLAN]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(
        ran.err.contains("✓ 1. Document the function `area`"),
        "{}",
        ran.all()
    );
    assert!(
        ran.err.contains("1 of 1 step settled, 1 file changed"),
        "{}",
        ran.all()
    );
    assert!(ran.out.contains("+/// "), "{}", ran.all());
    assert_eq!(place.read(PLAN), plan.replace("[ ]", "[x]"));
    assert!(place.read("src/lib.rs").starts_with("/// "));

    // Nothing is left to be done, and nothing is done twice.
    let again = place.run(&["run", PLAN]);
    assert_eq!((again.code, again.out.as_str()), (0, ""), "{}", again.all());
}

#[test]
fn a_check_that_may_not_run_waits_and_one_that_fails_stops_what_follows() {
    let place = place();
    let plan = "1. [ ] Document area\n   - role: documenter\n   - files: src/lib.rs\n   - at: area\n   - check: `/bin/sh -c 'exit 3'`\n2. [ ] Next\n   - role: documenter\n   - files: src/lib.rs\n   - after: 1\n";
    place.write(PLAN, plan);
    let ran = place.run(&["run", PLAN]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(
        place.read(PLAN).starts_with("1. [?] Document area"),
        "{}",
        place.read(PLAN)
    );
    let ran = place.run(&["run", "--allow-checks", "--step", "1", PLAN]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let now = place.read(PLAN);
    assert!(
        now.starts_with("1. [!] Document area") && now.contains("status"),
        "{now}"
    );
    assert!(now.contains("2. [ ] Next"), "{now}");
    let blocked = place.run(&["run", "--step", "2", PLAN]);
    assert_eq!(blocked.code, 2, "{}", blocked.all());
}

#[test]
fn a_call_that_the_teams_ledger_cannot_hold_is_not_made() {
    let place = place();
    let text = "engine = 'p'\n\n[providers.p]\nbase_url = 'http://127.0.0.1:1/v1'\nmodel = 'm'\n\n[ledger]\nurl = 'postgres://pleach@127.0.0.1:1/ledger'\n";
    place.settings(text);
    let planned = place.run(&["plan", "make it faster"]);
    assert_ne!(planned.code, 0, "{}", planned.all());
    assert!(planned.err.contains("ledger"), "{}", planned.all());
}

#[test]
fn what_cannot_be_planned_says_what_can() {
    let place = place();
    let planned = place.run(&["plan", "support", "triangles"]);
    assert_eq!(planned.code, 1);
    assert!(
        planned.err.contains("needs a model") && planned.err.contains("todos"),
        "{}",
        planned.all()
    );
    let nothing = place.run(&["plan", "todos"]);
    assert_eq!(nothing.code, 1, "{}", nothing.all());
    let printed = place.run(&["plan", "--print", "test", "src/lib.rs"]);
    assert!(printed.out.contains("- role: tester"), "{}", printed.all());
    assert_eq!(place.run(&["run", "src/none.md"]).code, 2);
}
