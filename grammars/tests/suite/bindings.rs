//! Which occurrences are the same thing. `«x»` marks each occurrence of one thing: from every one of
//! them, all of them must be found, and nothing else. `‹x›` marks a place of which nothing may be said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use pleach_grammars::Language::{Go, JavaScript, Python, Rust, Tsx, TypeScript};
use pleach_grammars::{Language, Reach, bindings, parse};
use pleach_text::{ByteOffset, ByteRange};

/// Takes the marks out of a fixture; gives the text and the marked ranges.
fn unmark(fixture: &str, open: char, close: char) -> (String, Vec<ByteRange>) {
    let mut text = String::new();
    let mut ranges = Vec::new();
    let mut start = 0;
    for c in fixture.chars() {
        if c == open {
            start = text.len();
        } else if c == close {
            ranges.push(ByteRange::from(start..text.len()));
        } else {
            text.push(c);
        }
    }
    (text, ranges)
}

#[track_caller]
fn check(language: Language, reach: Reach, fixture: &str) {
    let (text, expected) = unmark(fixture, '«', '»');
    let syntax = parse(language, &text);
    assert_eq!(syntax.problems(&text), [], "{text}");
    assert!(!expected.is_empty());
    for place in &expected {
        for at in [place.start, place.end] {
            let found = bindings(&syntax, &text, at)
                .unwrap_or_else(|| panic!("nothing at {at}: {}", mark(&text, &expected)));
            assert_eq!(
                mark(&text, &found.occurrences),
                mark(&text, &expected),
                "asked at {at}"
            );
            assert_eq!(found.reach, reach, "{fixture}");
            assert_eq!(
                found.definition.is_some(),
                reach == Reach::Local || found.definition.is_some()
            );
        }
    }
}

fn mark(text: &str, ranges: &[ByteRange]) -> String {
    let mut out = text.to_owned();
    for range in ranges.iter().rev() {
        out.insert(range.end.0, '»');
        out.insert(range.start.0, '«');
    }
    out
}

#[track_caller]
fn local(language: Language, fixture: &str) {
    check(language, Reach::Local, fixture);
}

#[track_caller]
fn shared(language: Language, fixture: &str) {
    check(language, Reach::File, fixture);
}

#[track_caller]
fn unknown(language: Language, fixture: &str) {
    let (text, places) = unmark(fixture, '‹', '›');
    let syntax = parse(language, &text);
    assert!(!places.is_empty());
    for place in places {
        assert_eq!(bindings(&syntax, &text, place.start), None, "{fixture}");
    }
}

#[test]
fn rust_variables() {
    local(
        Rust,
        "fn f(«x»: u32) -> u32 { let y = «x»; y.x + «x».x() + s.x + «x» }",
    );
    local(
        Rust,
        "fn f() { let x = 1; let «x» = x + 1; «x»; { let x = «x»; x; } «x»; }",
    );
    local(Rust, "fn f() { let «x» = 1; let x = «x» + 1; x; }");
    local(
        Rust,
        "fn f() { let «x» = 1; let g = |y| y + «x»; let h = |x: u8| x; h(«x»); }",
    );
    local(
        Rust,
        "fn f() { let x = 1; let h = |«x», y| { let z = «x»; z + y }; h(x); }",
    );
    local(
        Rust,
        "fn f() { let mut «v» = vec![1; 2]; «v».push(3); for w in 0..1 { «v»[w]; } }",
    );
    local(
        Rust,
        "fn f() { for «i» in 0..9 { g(«i»); } for i in 0..9 { g(i); } }",
    );
    local(
        Rust,
        "fn f(x: Option<u8>) { if let Some(«x») = x && «x» > 1 { «x»; } else { x; } x; }",
    );
    local(
        Rust,
        "fn f(«x»: Option<u8>) { if let Some(x) = «x» && x > 1 { x; } else { «x»; } «x»; }",
    );
    local(
        Rust,
        "fn f() { while let Some(«x») = it.next() { «x»; } x; }",
    );
    local(
        Rust,
        "fn f(o: O) { let Some(«x») = o else { return x; }; «x»; }",
    );
    local(
        Rust,
        "fn f(v: V) { match v { A(«x») | B { y: «x», .. } if «x» > 1 => «x», n @ 1..=3 => x, _ => x } }",
    );
    local(
        Rust,
        "fn f(v: V) { match v { «n» @ (A | B(_)) => «n», None => 0, N => 1 } }",
    );
    local(
        Rust,
        "fn f() { let (a, (ref «b», mut c), [d, ..]) = t; «b»; }",
    );
    local(
        Rust,
        "fn f() { async move { let «x» = 1; «x».await }; unsafe { let x = 2; x } }",
    );
    local(
        Rust,
        "impl S { fn f(&self, «x»: u8) { self.x = «x»; Self { x: «x», ..*self }; } fn g(x: u8) { x; } }",
    );
    local(Rust, "fn f(«x»: u8) { fn g() { x; } g(«x»); }");
}

#[test]
fn rust_shorthands() {
    local(Rust, "fn f(«x»: u8) -> P { P { «x», y: «x» } }");
    local(Rust, "fn f(p: P) { let P { «x», y: z } = p; «x» + z; }");
    local(
        Rust,
        "fn f(p: P) { match p { P { ref mut «x», .. } => «x», } }",
    );
    let text = "fn f(x: u8) -> P { P { x, y: x } }";
    let found = bindings(&parse(Rust, text), text, ByteOffset(5)).unwrap();
    assert_eq!(found.shorthands, [ByteRange::from(23..24)]);
}

#[test]
fn rust_macros() {
    local(
        Rust,
        "fn f(«x»: u8) { println!(\"{«x»} {} {0:?} {{x}} {y:«x»$}\", «x», y = z.x); }",
    );
    local(
        Rust,
        "fn f(x: u8) { println!(\"{x} {}\", x = 1); let «x» = 2; write!(w, \"{«x»:?}\", )?; }",
    );
    local(
        Rust,
        "fn f(«x»: u8) { assert_eq!(«x», vec![«x», 1][«x»], \"{«x»}\"); assert!(matches!(«x», 1 | 2 if «x» > 0)); }",
    );
    local(
        Rust,
        "fn f(«x»: u8) { assert!(matches!(o, Some(x) if x > 0)); dbg!(S { «x», y: «x» }); \"{x}\"; }",
    );
    local(
        Rust,
        "fn f(«x»: u8) { format!(\"{}\", format!(\"{«x»}\")); format!(\"{}\", \"{x}\"); }",
    );
    unknown(Rust, "fn f(‹x›: u8) { html! { <p>{x}</p> }; ‹x›; }");
    unknown(
        Rust,
        "macro_rules! m { () => { helper() } } fn ‹helper›() {}",
    );
    unknown(
        Rust,
        "#[tracing::instrument(skip(x))] fn f(‹x›: u8) { ‹x›; }",
    );
    unknown(
        Rust,
        "#[derive(Deserialize)] struct S { #[serde(default = \"a::first\")] a: u8 } fn ‹first›() -> u8 { 1 }",
    );
    local(
        Rust,
        "#[test] fn «test»() { } #[cfg(test)] fn g() { «test»() }",
    );
    local(Rust, "macro_rules! «m» { () => {} } fn f() { «m»!(); }");
}

#[test]
fn rust_items() {
    local(
        Rust,
        "fn «helper»() {} fn main() { «helper»(); x.helper(); Self::helper(); }",
    );
    shared(Rust, "pub fn «helper»() {} fn main() { «helper»(); }");
    shared(
        Rust,
        "mod other; fn «helper»() {} fn main() { «helper»(); }",
    );
    local(
        Rust,
        "fn main() { «f»(); fn «f»() { «f»(); } { fn f() {} f(); } }",
    );
    local(
        Rust,
        "fn «helper»() {} mod tests { use super::*; #[test] fn t() { «helper»(); super::«helper»(); } }",
    );
    local(
        Rust,
        "fn «helper»() {} mod tests { use super::{«helper», other}; fn t() { «helper»(); } }",
    );
    local(
        Rust,
        "fn «helper»() {} mod tests { use super::«helper» as h; fn t() { h(); } }",
    );
    local(
        Rust,
        "fn helper() {} mod tests { use super::helper as «h»; fn t() { «h»(); } }",
    );
    local(
        Rust,
        "fn helper() {} mod tests { fn «helper»() {} fn t() { «helper»(); super::helper(); self::«helper»() } }",
    );
    local(
        Rust,
        "mod a { pub(super) mod b { pub(super) fn g() {} } fn «g»() { b::g(); «g»(); } } fn f() { a::b::g(); g(); }",
    );
    local(
        Rust,
        "mod «a» { fn g() {} } fn f() { «a»::g(); } use «a»::g as h;",
    );
    local(
        Rust,
        "struct «S»; impl «S» { fn new() -> Self { «S» } } fn f(a: &«S», b: Vec<«S»>) -> t::S { «S»::new(); «S» {} }",
    );
    local(Rust, "struct «S» { x: u8 } fn f(x: «S») -> u8 { x.x }");
    local(
        Rust,
        "const «MAX»: u8 = 1; fn f(x: u8) { match x { «MAX» => 1, MIN => 2, «MAX»..=9 => 3 } }",
    );
    local(
        Rust,
        "const «max»: u8 = 1; fn f(x: u8) { match x { «max» => 1, _ => 2 } }",
    );
    local(
        Rust,
        "use std::fmt::{self as «f», Display}; impl «f»::Debug for X {}",
    );
    local(
        Rust,
        "use std::collections::«HashMap»; #[derive(Debug)] struct S { a: «HashMap»<u8, a::HashMap> }",
    );
    local(
        Rust,
        "use serde::«Serialize»; #[derive(«Serialize»)] struct S; fn f(a: &dyn «Serialize») {}",
    );
    unknown(
        Rust,
        "use std::fmt::{‹self›, Display}; fn g(a: ‹fmt›::Error) {}",
    );
    unknown(Rust, "mod ‹other›; fn f() { ‹other›::g(); }");
    unknown(
        Rust,
        "struct S { ‹x›: u8 } impl S { fn ‹g›(&self) { self.‹x›; self.‹g›() } }",
    );
    unknown(Rust, "#[no_mangle] pub extern \"C\" fn ‹f›() {}");
}

#[test]
fn rust_generics_lifetimes_and_labels() {
    local(
        Rust,
        "fn f<«T»: A<«T»>>(x: «T») -> Vec<«T»> where «T»: Copy { fn g<T>(y: T) {} x }",
    );
    local(
        Rust,
        "impl<«T»> S<«T»> { fn f<U>(x: «T») -> U where U: From<«T»> {} } fn g<T>(x: T) {}",
    );
    local(Rust, "struct S<'«a», T>(&'«a» T); fn f<'a>(x: &'a u8) {}");
    local(Rust, "fn f<const «N»: usize>(x: [u8; «N»]) { «N»; }");
    local(
        Rust,
        "fn f() { '«a»: loop { 'b: for x in y { break '«a»; } continue '«a»; } 'a: loop {} }",
    );
}

#[test]
fn python_variables() {
    local(
        Python,
        "def f():\n    «x» = 1\n    «x» += 2\n    o.x = «x»\n    g(x=«x»)\n    del «x»\nx = 3\n",
    );
    local(
        Python,
        "def f():\n    «x» = 1\n    def g():\n        return «x»\n    def h(x):\n        return x\n    lambda x: x\n    return lambda y=«x»: «x»\n",
    );
    local(
        Python,
        "def f():\n    «x» = 1\n    def g():\n        nonlocal «x»\n        «x» = 2\n    def h():\n        x = 2\n",
    );
    shared(
        Python,
        "«x» = 1\ndef f():\n    global «x»\n    «x» = 2\n    return «x»\ndef g():\n    x = 3\n    return x\nprint(«x»)\n",
    );
    local(
        Python,
        "def f(xs):\n    return [«x» for «x» in xs if «x»] + [x for x in xs]\n",
    );
    local(Python, "def f(*«x»):\n    return [x for x in «x» if x]\n");
    local(
        Python,
        "def f(xs):\n    return {«k»: v for «k», v in xs for w in «k»}\n",
    );
    local(
        Python,
        "def f(xs):\n    return any((«y» := x) for x in xs) and «y»\n",
    );
    local(
        Python,
        "def f():\n    for «i», (j, *k) in x:\n        print(«i»)\n    else:\n        «i»\n",
    );
    local(
        Python,
        "def f():\n    with open(a) as «h», b as (c, d):\n        «h».read()\n    try: pass\n    except E as e: e\n",
    );
    local(
        Python,
        "def f():\n    try: pass\n    except (A, B) as «e»:\n        raise C from «e»\n",
    );
    local(
        Python,
        "def f(p):\n    match p:\n        case Point(x=«x», y=0) if «x»: return «x»\n        case {'k': v, **rest}: return rest\n        case [1, *«x»] as w: return «x»\n        case A.x | None: pass\n",
    );
    local(
        Python,
        "def f(*«x»):\n    return f'{«x»!r:>{«x»}} x {«x»=}'\n",
    );
    local(
        Python,
        "def f():\n    import os.path as «p», sys\n    from m import a as b\n    return «p».join(b.p)\n",
    );
    local(
        Python,
        "def f():\n    from m import «a»\n    return «a».a\n",
    );
    local(
        Python,
        "async def f():\n    async for «x» in y:\n        yield «x»\n    async with z as w: pass\n",
    );
}

#[test]
fn python_functions_classes_and_parameters() {
    shared(
        Python,
        "def «f»(): «f»()\nclass A:\n    def f(self): self.f(); «f»()\n«f»()\n",
    );
    shared(
        Python,
        "class «A»: pass\nclass B(«A», metaclass=M): pass\ndef f(a: «A», b: '«A»', c: list[\"«A»\"]) -> «A»: «A».A\nx: Literal['A']\n",
    );
    unknown(Python, "class ‹A›: pass\ndef f(b: 'list[A]'): pass\n");
    local(
        Python,
        "def outer():\n    def f(«x», y=1): return «x» + y\n    f(«x»=1)\n    g(x=1)\n",
    );
    shared(
        Python,
        "def f(«x», y=1): return «x» + y\nf(«x»=2)\ndef g(x): return x\ng(x=3)\n",
    );
    shared(
        Python,
        "class A:\n    def __init__(self, «x»): self.x = «x»\nA(«x»=1)\n",
    );
    unknown(
        Python,
        "class A:\n    def f(self, ‹x›): return ‹x›\na.f(x=1)\n",
    );
    unknown(Python, "def f(‹x›): return ‹x›\nh = partial(f, x=1)\n");
    shared(
        Python,
        "class A:\n    def f(self, «x»): return «x»\na.g(x=1)\n",
    );
    local(Python, "def f(«x», /, y): return «x»\n");
    local(Python, "class A:\n    def f(«self»): return «self».self\n");
    local(
        Python,
        "def f(date: date, *«args»: date) -> args: return «args»\n",
    );
    unknown(Python, "class A:\n    ‹x› = 1\n    y = ‹x›\n");
    local(
        Python,
        "class A:\n    x = 1\n    def f(self):\n        «x» = 2\n        return «x» + self.x\n",
    );
    shared(Python, "«x» = 0\nclass A:\n    def f(self): return «x»\n");
    unknown(Python, "def f():\n    ‹x› = 1\n    return eval('x')\n");
    unknown(Python, "‹x› = 1\ndef f():\n    return eval('x')\n");
    unknown(Python, "‹x› = 1\nclass A:\n    x = x\n");
    unknown(Python, "x = 1\nclass A:\n    ‹x› = x\n");
    unknown(Python, "import ‹os›.path\n‹os›.path.join()\n");
    shared(Python, "import «os»\n«os».os\n");
    shared(Python, "__all__ = ['«f»', 'g']\ndef «f»(): pass\n");
    local(Python, "def f[«T»](x: «T») -> «T»: ...\n");
    shared(Python, "def «f»(x): return x\n@«f»\ndef g(y=«f»): pass\n");
    shared(
        Python,
        "print(«undefined», a.undefined)\ndef f(): return «undefined»\n",
    );
}

#[test]
fn javascript_variables() {
    local(
        JavaScript,
        "export {}; const «x» = 1; { const x = 2; x; } f(«x», o.x, { x: «x», y: 1 }); `${«x»}`;",
    );
    local(
        JavaScript,
        "export {}; function f() { { var «x» = 1; } return «x»; } x;",
    );
    local(
        JavaScript,
        "function f(«x», { y: z = «x», ...w }, [v] = «x») { var «x»; return «x» + this.x; }",
    );
    local(
        JavaScript,
        "function f({ a: «b», c: { b: d } }) { return «b» + d; }",
    );
    local(JavaScript, "function f({ «a», b }) { return «a» + o.a; }");
    local(
        JavaScript,
        "function f({ «a» = 1 }) { return { «a», b: «a» }; }",
    );
    local(
        JavaScript,
        "export {}; let «a», b; ({ «a», b } = o); [«a»] = p; «a»++; ",
    );
    local(JavaScript, "const g = «x» => «x» + (x => x)(«x»); x;");
    local(JavaScript, "try { e; } catch («e») { «e»; } e;");
    local(
        JavaScript,
        "for (const «x» of y) { «x»; } for (let x in o) x;",
    );
    local(
        JavaScript,
        "for (let «i» = 0, n = 1; «i» < n; «i»++) { const j = «i»; } for (let i = 0;;) i;",
    );
    local(
        JavaScript,
        "export {}; function «f»() { «f»(); return { f() {}, g: «f» }; } class A { f() { this.f(); «f»(); } }",
    );
    local(
        JavaScript,
        "const g = function «named»() { «named»(); }; named();",
    );
    local(JavaScript, "import «d», * as n from 'a'; «d».d; n.d;");
    local(
        JavaScript,
        "import { «a», b as c } from 'a'; «a»(); c.a; b;",
    );
    local(JavaScript, "import { a, b as «c» } from 'a'; a(); «c»();");
    local(JavaScript, "const «a» = 1; export { «a», b as a }; ");
    shared(JavaScript, "export const «a» = 1; «a»;");
    shared(JavaScript, "var «a» = 1; «a»;");
    local(
        JavaScript,
        "const «a» = require('a'); «a».a; module.exports = { «a» };",
    );
    local(
        JavaScript,
        "export default class «A» { static x = «A»; [«A»]() {} }",
    );
    local(
        JavaScript,
        "import «B» from 'b'; const V = () => <div B={«B»}><«B» b=\"1\">B</«B»><b/></div>;",
    );
    local(
        JavaScript,
        "export {}; x: for (;;) { break x; } const «x» = 1; switch («x») { case 1: { let x; } }",
    );
    unknown(JavaScript, "function f(‹x›) { return eval('x') + ‹x›; }");
    unknown(
        JavaScript,
        "const ‹x› = 1; function f() { return eval('x'); }",
    );
    unknown(JavaScript, "class A { ‹x› = 1; ‹m›() { this.‹x›; } }");
}

#[test]
fn typescript_names() {
    local(
        TypeScript,
        "export {}; interface «A» { a: «A»; A: number } class B implements «A» { x: «A»['A']; y: N.A } let z: Array<«A»>;",
    );
    local(
        TypeScript,
        "export {}; class «A» { static a: «A» = new «A»(); } function f(x: unknown): x is «A» { return x instanceof «A»; }",
    );
    local(
        TypeScript,
        "function f<«T» extends U<«T»>>(a: «T», g: <T>(x: T) => T): «T» { return a as «T»; }",
    );
    local(
        TypeScript,
        "type F<«T»> = «T» extends Array<infer U> ? U : «T»; type G<T> = T;",
    );
    local(
        TypeScript,
        "type F<T> = T extends Array<infer «U»> ? «U» : U;",
    );
    local(TypeScript, "type M<T> = { [«K» in keyof T]: T[«K»] };");
    local(
        TypeScript,
        "function f(«x»: unknown): asserts «x» is string { if (!«x») throw 1; }",
    );
    local(
        TypeScript,
        "export {}; const «x» = 1; type X = typeof «x»; type Y = { x: typeof «x» };",
    );
    local(
        TypeScript,
        "enum «E» { A = 1, B = A } let e: «E» = «E».A; export {};",
    );
    local(
        TypeScript,
        "const «Foo» = 1; type «Foo» = number; let a: «Foo» = «Foo»; export { «Foo» };",
    );
    local(
        TypeScript,
        "import type { «X» } from 'x'; let a: «X»; let b: N.X;",
    );
    local(
        TypeScript,
        "class A { constructor(private x: number, «y»: number) { this.x = «y»; } }",
    );
    unknown(
        TypeScript,
        "class A { constructor(private ‹x›: number) { ‹x›; } }",
    );
    unknown(TypeScript, "export {}; enum E { ‹A› = 1, B = ‹A› }");
    unknown(TypeScript, "namespace N { export const ‹a› = 1; } N.a;");
    local(
        TypeScript,
        "namespace N { const «a» = 1; export const b = «a»; }",
    );
    local(
        TypeScript,
        "function f(this: A, «a»?: number, cb = () => «a»): void { cb(«a»); }",
    );
    local(
        TypeScript,
        "type F = («a»: number) => typeof «a»; let a: F; export {};",
    );
    shared(
        TypeScript,
        "export function «f»(): void; export function «f»(a?: number) {} «f»();",
    );
    local(
        Tsx,
        "export {}; const «A» = ({ a }: P) => <>{a}</>; const b = <«A» a={1} />;",
    );
    local(
        Tsx,
        "const A = ({ «a», b = «a» }: { a: string }) => <p a={«a»}>{«a»}</p>;",
    );
}

#[test]
fn go_names() {
    local(
        Go,
        "package p\nfunc f(«x» int) int { y := «x»; s.x = «x»; return y + s.x() + «x» }",
    );
    local(
        Go,
        "package p\nfunc f() { x := 1; { «x» := x; _ = «x» }; x++ }",
    );
    local(
        Go,
        "package p\nfunc f() { «x» := 1; { x := «x»; _ = x }; «x»++ }",
    );
    local(
        Go,
        "package p\nfunc f() { a, «err» := g(); b, «err» := g(); if c, err := g(); err != nil { _ = c }; _, _, _ = a, b, «err» }",
    );
    local(
        Go,
        "package p\nfunc f() («err» error) { _, «err» = g(); x, «err» := g(); _ = x; return «err» }",
    );
    local(
        Go,
        "package p\nfunc f() { for «i», v := range x { _ = «i» + v }; for i := 0; i < 3; i++ { _ = i } }",
    );
    local(
        Go,
        "package p\nfunc f(x any) { switch «t» := x.(type) { case int: _ = «t»; case string: t := «t»; _ = t } }",
    );
    local(
        Go,
        "package p\nfunc f() { select { case «m», ok := <-c: _, _ = «m», ok; case m := <-d: _ = m } }",
    );
    local(
        Go,
        "package p\nfunc f(«x» int) { go func(y int) { _ = «x» + y }(«x»); func(x int) { _ = x }(1) }",
    );
    local(
        Go,
        "package p\nfunc (t *T) f(«a», b int, c ...string) { t.a = «a» }",
    );
    local(Go, "package p\nfunc («t» *T) f() { «t».t() }");
    local(
        Go,
        "package p\nfunc f[«T» any](x «T») []«T» { var y «T»; return []«T»{y} }",
    );
    shared(
        Go,
        "package p\nfunc «g»() { x.g(); «g»() }\nfunc (t T) g() { «g»() }",
    );
    shared(
        Go,
        "package p\nvar «x» = 1\nfunc f() { «x»++; x := 2; _ = x }",
    );
    shared(
        Go,
        "package p\ntype «T» struct { a *«T» }\nfunc (t *«T») T() «T» { return «T»{a: &«T»{}} }",
    );
    unknown(Go, "package p\ntype ‹T› struct {}\ntype U struct { T }");
    local(
        Go,
        "package p\ntype S struct { x int }\nfunc f(«x» int) S { return S{x: «x»} }",
    );
    local(
        Go,
        "package p\nfunc f(«x» string) { _ = map[string]int{«x»: 1}; _ = []P{{x: 1}} }\ntype P struct { x int }",
    );
    unknown(Go, "package p\nfunc f(‹x› int) { _ = q.S{x: ‹x›} }");
    local(
        Go,
        "package p\nimport «f» \"fmt\"\nfunc g() { «f».Println(x.f) }",
    );
    local(
        Go,
        "package p\nfunc g() { const «a» = 1; var b, c = «a», 2; type t struct { a int }; _ = b + c + «a» }",
    );
    local(
        Go,
        "package p\nfunc g() { a: for { break a }; «a» := 1; _ = «a» }",
    );
    shared(
        Go,
        "package p\nfunc g() { _ = «elsewhere» + x.elsewhere + «elsewhere» }",
    );
}

#[test]
fn broken_text_says_nothing_of_what_is_broken() {
    unknown(Rust, "fn f(‹x›: u8) { let = ‹x›; }");
    let text = "fn f(x: u8) { x; } fn g() { let = 1; }";
    assert!(bindings(&parse(Rust, text), text, ByteOffset(5)).is_some());
}

#[test]
fn other_languages_and_places_without_names() {
    unknown(Language::Java, "class A { void f(int ‹x›) { ‹x›++; } }");
    unknown(Rust, "fn f() { let x = ‹1›; \"‹x›\"; } // ‹x›");
    let text = "fn f() {}";
    assert_eq!(bindings(&parse(Rust, text), text, ByteOffset(1000)), None);
}
