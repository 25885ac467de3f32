//! What the output of test programs says has failed, and where: that of cargo (panics and errors of the
//! compiler), pytest, Go, Node's own runner, Vitest and Jest.

use std::sync::LazyLock;

use regex::Regex;

/// Failures of one run that are read.
const MOST: usize = 200;
/// Lines of what a failure says.
const LINES: usize = 12;

/// A test that failed, or what kept it from being run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The test; empty where none is named.
    pub(super) test: String,
    /// The file as it was printed.
    pub(super) path: String,
    /// Counted from 1.
    pub(super) line: usize,
    /// What it says, one or more lines.
    pub(super) message: String,
}

macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($text).ok());
    };
}

pattern!(
    PANIC,
    r"^thread '([^']*)'(?: \(\d+\))? panicked at (.+?):(\d+):\d+:$"
);
pattern!(RUSTC, r"^error(?:\[E\d+\])?: (.+)$");
pattern!(RUSTC_AT, r"^\s*--> (.+?):(\d+):\d+$");
pattern!(PYTEST, r"^_{2,} (.+?) _{2,}$");
pattern!(PYTHON_AT, r"^(\S.*?\.py):(\d+): ");
pattern!(PYTHON_IN, r"^(\S.*?\.py):(\d+): in ");
pattern!(GO, r"^\s*--- FAIL: (\S+)");
pattern!(GO_AT, r"^\s+([\w./-]+\.go):(\d+): (.*)$");
pattern!(GO_BUILD, r"^(?:\./)?([\w./-]+\.go):(\d+):\d+: (.+)$");
pattern!(
    SCRIPT,
    r"^\s*(?:✖|not ok \d+ -|FAIL {1,2}|●) ?(.+?)(?: \([\d.]+ ?ms\))?$"
);
pattern!(
    SCRIPT_AT,
    r"(?:file://)?([^\s()':]+\.(?:js|mjs|cjs|jsx|ts|mts|cts|tsx)):(\d+):\d+"
);

/// The first groups of a pattern in a line.
fn groups<'l>(pattern: &LazyLock<Option<Regex>>, line: &'l str) -> Option<Vec<&'l str>> {
    let found = pattern.as_ref()?.captures(line)?;
    let groups = found.iter().skip(1);
    Some(groups.map(|it| it.map_or("", |it| it.as_str())).collect())
}

/// Reads what has failed out of what was printed.
pub(super) fn read(printed: &str) -> Vec<Failure> {
    let plain = without_colours(printed);
    let lines: Vec<&str> = plain.lines().collect();
    let mut found = cargo(&lines);
    found.extend(pytest(&lines));
    found.extend(go(&lines));
    if found.is_empty() {
        found = script(&lines);
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|it| seen.insert((it.path.clone(), it.line, it.test.clone())));
    found.truncate(MOST);
    found
}

fn number(text: Option<&&str>) -> usize {
    text.and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// The lines until one that ends a message.
fn message<'l>(lines: &[&'l str], from: usize, ends: impl Fn(&str) -> bool) -> String {
    let lines = lines.iter().skip(from).take_while(|line| !ends(line));
    let said: Vec<&'l str> = lines.take(LINES).map(|line| line.trim_end()).collect();
    said.join("\n").trim().to_owned()
}

fn cargo(lines: &[&str]) -> Vec<Failure> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if let Some(groups) = groups(&PANIC, line)
            && let [test, path, line, ..] = groups.as_slice()
        {
            let ends = |line: &str| {
                line.trim().is_empty() || line.starts_with("note: ") || line.starts_with("stack ")
            };
            found.push(Failure {
                test: (*test).to_owned(),
                path: (*path).to_owned(),
                line: number(Some(line)),
                message: message(lines, at + 1, ends),
            });
        } else if let Some(groups) = groups(&RUSTC, line) {
            // What sums up has no place.
            let place = lines
                .get(at + 1)
                .and_then(|line| self::groups(&RUSTC_AT, line));
            if let Some([path, line, ..]) = place.as_deref() {
                found.push(Failure {
                    test: String::new(),
                    path: (*path).to_owned(),
                    line: number(Some(line)),
                    message: groups.first().map_or("", |it| it).to_owned(),
                });
            }
        }
    }
    found
}

fn pytest(lines: &[&str]) -> Vec<Failure> {
    let mut found: Vec<Failure> = Vec::new();
    let mut test: Option<String> = None;
    let mut said: Vec<&str> = Vec::new();
    let mut place: Option<(String, usize)> = None;
    let mut settle =
        |test: &mut Option<String>, said: &mut Vec<&str>, place: &mut Option<(String, usize)>| {
            if let (Some(test), Some((path, line))) = (test.take(), place.take()) {
                found.push(Failure {
                    test,
                    path,
                    line,
                    message: said.join("\n"),
                });
            }
            said.clear();
        };
    for line in lines {
        if let Some(groups) = groups(&PYTEST, line) {
            settle(&mut test, &mut said, &mut place);
            test = groups.first().map(|it| (*it).to_owned());
        } else if line.starts_with("===") || line.starts_with("FAILED ") {
            settle(&mut test, &mut said, &mut place);
        } else if test.is_some() {
            if let Some(text) = line.strip_prefix("E  ") {
                if said.len() < LINES {
                    said.push(text.trim());
                }
            } else if let Some(groups) =
                groups(&PYTHON_IN, line).or_else(|| groups(&PYTHON_AT, line))
                && let [path, number_of, ..] = groups.as_slice()
                && !path.contains("site-packages")
            {
                // The innermost place in the project comes last.
                place = Some(((*path).to_owned(), number(Some(number_of))));
            }
        }
    }
    settle(&mut test, &mut said, &mut place);
    found
}

fn go(lines: &[&str]) -> Vec<Failure> {
    let mut found = Vec::new();
    let mut test = String::new();
    for (at, line) in lines.iter().enumerate() {
        if let Some(groups) = groups(&GO, line) {
            groups.first().map_or("", |it| it).clone_into(&mut test);
        } else if let Some(groups) = groups(&GO_AT, line).filter(|_| !test.is_empty())
            && let [path, number_of, first, ..] = groups.as_slice()
        {
            let ends = |line: &str| !line.starts_with("        ");
            let more = message(lines, at + 1, ends);
            found.push(Failure {
                test: test.clone(),
                path: (*path).to_owned(),
                line: number(Some(number_of)),
                message: format!("{first}\n{more}").trim().to_owned(),
            });
        } else if let Some(groups) = groups(&GO_BUILD, line)
            && let [path, number_of, first, ..] = groups.as_slice()
        {
            found.push(Failure {
                test: String::new(),
                path: (*path).to_owned(),
                line: number(Some(number_of)),
                message: (*first).to_owned(),
            });
        } else if line.starts_with("FAIL") || line.starts_with("ok ") {
            test.clear();
        }
    }
    found
}

/// The runners of JavaScript all name the test, then say what is wrong, then where.
fn script(lines: &[&str]) -> Vec<Failure> {
    let mut found: Vec<Failure> = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        let Some(test) = groups(&SCRIPT, line).and_then(|it| it.first().map(|it| (*it).to_owned()))
        else {
            continue;
        };
        let mut said = Vec::new();
        for (ahead, line) in lines.iter().enumerate().skip(at) {
            if groups(&SCRIPT, line).is_some() {
                break;
            }
            let place = groups(&SCRIPT_AT, line);
            if let Some([path, number_of, ..]) = place.as_deref() {
                let is_own = !path.contains("node_modules") && !path.starts_with("node:");
                let is_stack = !line.trim_start().starts_with("location:");
                if is_own && is_stack {
                    found.push(Failure {
                        test,
                        path: (*path).to_owned(),
                        line: number(Some(number_of)),
                        message: said.join("\n"),
                    });
                    at = ahead + 1;
                    break;
                }
                continue;
            }
            let bare = line.trim();
            let is_frame = bare.starts_with("at ") || bare == "---" || bare == "...";
            let is_field = [
                "duration_ms:",
                "type:",
                "location:",
                "failureType:",
                "stack:",
            ]
            .iter()
            .any(|field| bare.starts_with(field));
            if !bare.is_empty() && !is_frame && !is_field && said.len() < LINES {
                said.push(bare.trim_start_matches("error: |-").trim());
            }
        }
    }
    for failure in &mut found {
        failure.message = failure.message.trim().to_owned();
    }
    found
}

/// A text without the sequences that colour a terminal.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.peek() == Some(&'[') {
            for c in chars.by_ref().skip(1) {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        } else if c != '\r' {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// `test | path:line | message`.
    fn told(printed: &str) -> Vec<String> {
        let found = read(printed).into_iter();
        found
            .map(|it| {
                let message = it.message.replace('\n', " / ");
                format!("{} | {}:{} | {message}", it.test, it.path, it.line)
            })
            .collect()
    }

    #[test]
    fn cargo_tells_panics_and_errors_of_the_compiler() {
        let panics = "
running 2 tests
test tests::adds ... FAILED

failures:

---- tests::adds stdout ----

thread 'tests::adds' (71) panicked at src/lib.rs:10:9:
assertion `left == right` failed
  left: 1
 right: 2
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
";
        assert_eq!(
            told(panics),
            [
                "tests::adds | src/lib.rs:10 | assertion `left == right` failed /   left: 1 /  right: 2"
            ]
        );
        let broken = "\u{1b}[1merror[E0425]\u{1b}[0m: cannot find value `x`\n  --> src/lib.rs:3:5\n   |\nerror: could not compile `a` (lib) due to 1 previous error\n";
        assert_eq!(told(broken), [" | src/lib.rs:3 | cannot find value `x`"]);
    }

    #[test]
    fn pytest_tells_the_innermost_place_in_the_project() {
        let short = "
=================================== FAILURES ===================================
__________________________________ test_total __________________________________
tests/test_a.py:5: in test_total
    assert total([1]) == 2
src/a.py:9: in total
    raise ValueError('no')
E   ValueError: no
___________________________________ test_b ____________________________________
tests/test_a.py:12: in test_b
    assert 1 == 2
E   assert 1 == 2
=========================== short test summary info ============================
FAILED tests/test_a.py::test_total - ValueError: no
";
        let wanted = [
            "test_total | src/a.py:9 | ValueError: no",
            "test_b | tests/test_a.py:12 | assert 1 == 2",
        ];
        assert_eq!(told(short), wanted);
        let long = "____ test_b ____\n\n    def test_b():\n>       assert 1 == 2\nE       assert 1 == 2\n\ntests/test_a.py:12: AssertionError\n";
        assert_eq!(told(long), ["test_b | tests/test_a.py:12 | assert 1 == 2"]);
    }

    #[test]
    fn go_tells_tests_and_builds() {
        let failed = "--- FAIL: TestAdd (0.00s)\n    add_test.go:9: got 1\n        want 2\nFAIL\nFAIL\texample.org/a\t0.002s\n";
        assert_eq!(told(failed), ["TestAdd | add_test.go:9 | got 1 / want 2"]);
        let broken =
            "# example.org/a\n./add.go:4:9: undefined: x\nFAIL\texample.org/a [build failed]\n";
        assert_eq!(told(broken), [" | add.go:4 | undefined: x"]);
    }

    #[test]
    fn the_runners_of_javascript_tell_what_and_where() {
        let spec = "
✖ failing tests:

test at test/a.test.js:5:1
✖ adds (0.5ms)
  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

  1 !== 2

      at TestContext.<anonymous> (file:///w/test/a.test.js:6:10)
      at Test.runInAsyncScope (node:async_hooks:211:14)
";
        assert_eq!(
            told(spec).last().unwrap(),
            "adds | /w/test/a.test.js:6 | AssertionError [ERR_ASSERTION]: Expected values to be strictly equal: / 1 !== 2"
        );
        let tap = "not ok 1 - adds\n  ---\n  duration_ms: 1.2\n  location: '/w/a.test.js:5:1'\n  failureType: 'testCodeFailure'\n  error: |-\n    1 !== 2\n  stack: |-\n    TestContext.<anonymous> (file:///w/a.test.js:6:10)\n  ...\n";
        assert_eq!(told(tap), ["adds | /w/a.test.js:6 | 1 !== 2"]);
        let vitest = " FAIL  test/a.test.ts > sums > adds\nAssertionError: expected 1 to be 2\n ❯ test/a.test.ts:6:13\n";
        assert_eq!(
            told(vitest),
            [
                "test/a.test.ts > sums > adds | test/a.test.ts:6 | AssertionError: expected 1 to be 2"
            ]
        );
    }

    #[test]
    fn what_is_no_output_of_tests_has_no_failures() {
        for text in [
            "",
            "\u{1b}[",
            "error: no",
            "not ok",
            "FAIL",
            "--- FAIL: ",
            "____ a ____",
            "thread 'x' panicked at :",
        ] {
            assert!(read(text).is_empty(), "{text:?}");
        }
    }
}
