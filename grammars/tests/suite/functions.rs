//! Shapes of functions and imports, as one line each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use pleach_grammars::{
    Failure, Language, Parameter, ParameterKind, function_shape, imports, outline, parse,
};

fn parameter(parameter: &Parameter) -> String {
    let mut out = match parameter.kind {
        ParameterKind::Plain => String::new(),
        ParameterKind::KeywordOnly => "key ".to_owned(),
        ParameterKind::Rest => "rest ".to_owned(),
        ParameterKind::KeywordRest => "keyrest ".to_owned(),
    };
    if parameter.is_pattern {
        out += "pattern ";
    }
    out += &parameter.name;
    if parameter.is_optional {
        out += "?";
    }
    if let Some(text) = &parameter.type_text {
        write!(out, ": {text}").unwrap();
    }
    if let Some(text) = &parameter.default {
        write!(out, " = {text}").unwrap();
    }
    out
}

#[track_caller]
fn check_shapes(language: Language, text: &str, expected: &Expect) {
    let syntax = parse(language, text);
    assert_eq!(syntax.problems(text), []);
    let mut out = String::new();
    for symbol in outline(&syntax, text) {
        let Some(shape) = function_shape(&syntax, text, &symbol) else {
            continue;
        };
        let parameters: Vec<String> = shape.parameters.iter().map(parameter).collect();
        write!(out, "{}({})", symbol.name, parameters.join(", ")).unwrap();
        if let Some(receiver) = &shape.receiver {
            write!(out, " on {}", parameter(receiver)).unwrap();
        }
        if !shape.type_parameters.is_empty() {
            write!(out, " types {}", shape.type_parameters.join(" ")).unwrap();
        }
        if let Some(returns) = &shape.returns {
            write!(out, " -> {returns}").unwrap();
        }
        if !shape.gives_value {
            out += " gives nothing";
        }
        for failure in &shape.failures {
            match failure {
                Failure::Result { error } => write!(out, " fails({error:?})"),
                Failure::Absent => write!(out, " absent"),
                Failure::Panic { by, .. } => write!(out, " panics({by})"),
                Failure::ErrorValue => write!(out, " error"),
                Failure::Raise { what, .. } => {
                    write!(out, " raises({})", what.as_deref().unwrap_or("?"))
                }
            }
            .unwrap();
        }
        for (flag, word) in [
            (shape.is_async, " async"),
            (shape.is_generator, " generator"),
            (shape.is_unsafe, " unsafe"),
        ] {
            if flag {
                out += word;
            }
        }
        out += "\n";
    }
    expected.assert_eq(&out);
}

#[track_caller]
fn check_imports(language: Language, text: &str, expected: &Expect) {
    let syntax = parse(language, text);
    assert_eq!(syntax.problems(text), []);
    let mut out = String::new();
    for import in imports(&syntax, text) {
        let exported = if import.is_exported { " exported" } else { "" };
        writeln!(out, "{:?}{exported}", import.range.of(text).unwrap()).unwrap();
        for name in import.names {
            let range = name.range.of(text).unwrap();
            let local = name.local_range.of(text).unwrap();
            assert!(
                import.range.contains_range(name.range)
                    && name.range.contains_range(name.local_range)
            );
            writeln!(
                out,
                "  {} of {} as {:?} [{range}] [{local}]",
                name.name, name.path, name.local
            )
            .unwrap();
        }
    }
    expected.assert_eq(&out);
}

#[test]
fn rust_functions() {
    check_shapes(
        Language::Rust,
        "
        pub async unsafe fn f<'a, T: Ord, const N: usize>(mut a: u32, (b, c): (u8, u8), _: &'a T) -> Result<(), Box<dyn E>> { Ok(()) }
        impl X {
            fn g(&mut self) -> io::Result<u8> { self.x.unwrap(); assert!(true); x.unwrap(); fn h() { panic!() } Ok(1) }
            fn i(self: Box<Self>, f: impl Fn(u8) -> u8) -> Option<u8> { None }
        }
        fn never() -> ! { loop {} }
        ",
        &expect![[r#"
            f(a: u32, pattern (b, c): (u8, u8), _: &'a T) types T N -> Result<(), Box<dyn E>> fails(Some("Box<dyn E>")) async unsafe
            g() on self: &mut self -> io::Result<u8> fails(None) panics(unwrap) panics(assert!)
            h() gives nothing panics(panic!)
            i(f: impl Fn(u8) -> u8) on self: Box<Self> -> Option<u8> absent
            never() -> ! gives nothing
        "#]],
    );
}

#[test]
fn python_functions() {
    check_shapes(
        Language::Python,
        r#"
class A:
    def f(self, a, /, b: int, c=1, *args: int, d: str = "x", e, **kw) -> None:
        try:
            raise KeyError(a)
        except (KeyError, OSError) as error:
            raise ValueError("x") from error
        raise ValueError("again")

    @staticmethod
    def g(a, *, b): return a

    @classmethod
    def h(cls): yield 1

async def i[T](x: T):
    def inner():
        raise KeyError
    return
"#,
        &expect![[r#"
            f(a, b: int, c? = 1, rest args: int, key d?: str = "x", key e, keyrest kw) on self -> None gives nothing raises(ValueError)
            g(a, key b)
            h() on cls generator
            i(x: T) types T gives nothing async
            inner() gives nothing raises(KeyError)
        "#]],
    );
}

#[test]
fn typescript_functions() {
    check_shapes(
        Language::TypeScript,
        "
        export async function f<T extends U>(this: A, a: number, b?: string, c = 1, { d, e }: P = {}, ...rest: any[]): Promise<void> { throw new TypeError('x'); }
        class C {
          constructor(private readonly x: number) {}
          *items() { try { throw error; } catch (e) { throw e; } }
          m = (a) => a;
          get y(): number { return 1; }
        }
        const arrow = async <T,>(x: T): Promise<T> => x, single = x => { x(); };
        export default function () { return 1; }
        module.exports.run = function (a) {};
        interface I { n(a: string): void }
        ",
        &expect![[r"
            f(a: number, b?: string, c? = 1, pattern { d, e }?: P = {}, rest rest: any[]) on this: A types T -> Promise<void> gives nothing raises(TypeError) async
            constructor(x: number) gives nothing
            items() raises(e) generator
            m(a)
            y() -> number
            arrow(x: T) types T -> Promise<T> async
            single(x) gives nothing
            default()
            run(a) gives nothing
            n(a: string) -> void gives nothing
        "]],
    );
}

#[test]
fn go_functions() {
    check_shapes(
        Language::Go,
        "package p
        func (r *R[T]) F(a, b int, c ...string) (x int, err error) { panic(1) }
        func g(int, string) error { func() { panic(2) }(); return nil }
        func h[T any, U comparable](t T) {}
        type I interface { M(a int) (int, bool) }
        ",
        &expect![[r"
            F(a: int, b: int, rest c: string) on r: *R[T] -> (x int, err error) error panics(panic)
            g(: int, : string) -> error error
            h(t: T) types T U gives nothing
            M(a: int) -> (int, bool)
        "]],
    );
}

#[test]
fn rust_imports() {
    check_imports(
        Language::Rust,
        "use std::{fmt::{self, Display as D}, io::*};
        pub use crate::x;
        use a::b as _;
        extern crate foo as bar;
        fn f() { use self::g; }",
        &expect![[r#"
            "use std::{fmt::{self, Display as D}, io::*};"
              fmt of std::fmt as "fmt" [self] [self]
              Display of std::fmt::Display as "D" [Display as D] [D]
              * of std::io as "*" [io::*] [io::*]
            "pub use crate::x;" exported
              x of crate::x as "x" [crate::x] [x]
            "use a::b as _;"
              b of a::b as "_" [a::b as _] [_]
            "extern crate foo as bar;"
              foo of foo as "bar" [foo as bar] [bar]
            "use self::g;"
              g of self::g as "g" [self::g] [g]
        "#]],
    );
}

#[test]
fn python_imports() {
    check_imports(
        Language::Python,
        "from __future__ import annotations
import a.b.c as d, e.f
from . import g
from ..x import (y as z, w)
from m import *
",
        &expect![[r#"
            "from __future__ import annotations"
              annotations of __future__ as "annotations" [annotations] [annotations]
            "import a.b.c as d, e.f"
              a.b.c of a.b.c as "d" [a.b.c as d] [d]
              e.f of e.f as "e" [e.f] [e]
            "from . import g"
              g of . as "g" [g] [g]
            "from ..x import (y as z, w)"
              y of ..x as "z" [y as z] [z]
              w of ..x as "w" [w] [w]
            "from m import *"
              * of m as "*" [*] [*]
        "#]],
    );
}

#[test]
fn typescript_imports() {
    check_imports(
        Language::TypeScript,
        "import def, * as ns from 'a';
        import d2, { a, b as c, type T, default as q } from \"b\";
        import type { X } from 'c';
        import 'side';
        import fs = require('fs');
        export { a as b } from 'd';
        export * from 'e';
        export { own };",
        &expect![[r#"
            "import def, * as ns from 'a';"
              default of a as "def" [def] [def]
              * of a as "ns" [* as ns] [ns]
            "import d2, { a, b as c, type T, default as q } from \"b\";"
              default of b as "d2" [d2] [d2]
              a of b as "a" [a] [a]
              b of b as "c" [b as c] [c]
              T of b as "T" [type T] [T]
              default of b as "q" [default as q] [q]
            "import type { X } from 'c';"
              X of c as "X" [X] [X]
            "import 'side';"
            "import fs = require('fs');"
              default of fs as "fs" [fs] [fs]
            "export { a as b } from 'd';" exported
              a of d as "" [a as b] [b]
            "export * from 'e';" exported
              * of e as "" [*] [*]
        "#]],
    );
}

#[test]
fn go_imports() {
    check_imports(
        Language::Go,
        "package p
import \"fmt\"
import (
    . \"a/b\"
    _ \"c\"
    d \"e/f/v2\"
    \"gopkg.in/yaml.v3\"
    \"example.org/go-till/v2\"
)
",
        &expect![[r#"
            "import \"fmt\""
              fmt of fmt as "fmt" ["fmt"] ["fmt"]
            "import (\n    . \"a/b\"\n    _ \"c\"\n    d \"e/f/v2\"\n    \"gopkg.in/yaml.v3\"\n    \"example.org/go-till/v2\"\n)"
              b of a/b as "*" [. "a/b"] [.]
              c of c as "" [_ "c"] [_]
              f of e/f/v2 as "d" [d "e/f/v2"] [d]
              yaml of gopkg.in/yaml.v3 as "yaml" ["gopkg.in/yaml.v3"] ["gopkg.in/yaml.v3"]
              till of example.org/go-till/v2 as "till" ["example.org/go-till/v2"] ["example.org/go-till/v2"]
        "#]],
    );
}
