//! Definitions and references by name, in every programming language.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use pleach_grammars::{Language, NameRole, names_used, parse, references_to};

/// Checks the role of each use of `count`, in order.
#[track_caller]
fn check(language: Language, text: &str, expected: &str) {
    let syntax = parse(language, text);
    assert_eq!(syntax.problems(text), [], "{language}");
    let roles: Vec<&str> = names_used(&syntax, text)
        .into_iter()
        .filter(|found| found.name == "count" || found.name == "Count")
        .map(|found| match found.role {
            NameRole::Definition(_) => "def",
            NameRole::Call => "call",
            NameRole::Type => "type",
            NameRole::Import => "import",
            NameRole::Member => "member",
            NameRole::Other => "other",
        })
        .collect();
    assert_eq!(roles.join(" "), expected, "{language}");
}

#[test]
fn roles_in_every_language() {
    check(
        Language::Rust,
        "use a::{count}; fn count() { count(); x.count(); a::count::<T>(); count!(); let y = x.count; } struct Count; fn f(a: Count) { Count { a }; // count\n }",
        "import def call call call call member def type call",
    );
    check(
        Language::Rust,
        "fn f() { assert_eq!(count(1), a.count(&count), vec![count]); }",
        "call call other other",
    );
    check(
        Language::Python,
        "from a import count\ndef count(): pass\ncount(1); x.count(); x.count; y: Count = 'count'; f(count=1)\n@count\ndef g(): pass\n",
        "import def call call member type other call",
    );
    check(
        Language::TypeScript,
        "import { count } from 'a'; function count() {} count(); x.count(); x.count; let y: Count; new Count(); export { count };",
        "import def call call member type call import",
    );
    check(
        Language::Tsx,
        "const count = () => <Count a={count} />;",
        "def call other",
    );
    check(
        Language::JavaScript,
        "const { count } = x; count(`${count}`)",
        "other call other",
    );
    check(
        Language::Go,
        "package p\nfunc count() { count(); x.count(); y := x.count; var z Count; _ = Count{}; _ = a.Count{} }",
        "def call call member type call call",
    );
    check(
        Language::Java,
        "import a.count; class Count { int count() { count(); x.count(); return this.count; } Count y = new Count(); }",
        "import def def call call member type call",
    );
    check(
        Language::C,
        "int count(void) { count(); return x->count + count; }",
        "def call member other",
    );
    check(
        Language::Cpp,
        "int T::count() { count(); a::count(); x.count(); Count y; return count<int>(1); }",
        "def call call call type call",
    );
    check(
        Language::CSharp,
        "using count; class Count { int count() { count(); this.count(); return x.count; } Count y = new Count(); }",
        "import def def call call member other call",
    );
    check(
        Language::Ruby,
        "def count; count(); x.count; Count.new; attr :count; end",
        "def call call other",
    );
    check(
        Language::Php,
        "<?php use a\\count; function count() { count(); $x->count(); return $this->count; } new Count();",
        "import def call call member call",
    );
    check(
        Language::Lua,
        "function count() count() x:count() return x.count end",
        "def call call member",
    );
    check(
        Language::Bash,
        "count() { count 1; }\necho \"$count\"\n",
        "def call other",
    );
    check(
        Language::Kotlin,
        "import a.count\nfun count() { count(); x.count(); val y: Count = x.count }\n",
        "import def call call type member",
    );
    check(
        Language::Swift,
        "func count() { count(); x.count(); let y: Count = x.count }\n",
        "def call call type member",
    );
    check(
        Language::Scala,
        "import a.count\ndef count = { count(); x.count(); val y: Count = x.count; new Count() }\n",
        "import def call call type member call",
    );
    check(
        Language::Zig,
        "fn count() void { count(); x.count(); const y: Count = x.count; _ = y; }\n",
        "def call call other member",
    );
}

#[test]
fn references_are_uses_without_the_definition() {
    let text = "def count(): pass\n\ncount()\n# count\n";
    let found = references_to(&parse(Language::Python, text), text, "count");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].line.number(), found[0].range.start.0), (3, 19));
}

#[test]
fn data_has_no_names() {
    let text = "{\"count\": 1}";
    assert_eq!(names_used(&parse(Language::Json, text), text), []);
}
