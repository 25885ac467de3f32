//! What is completed, and what is left alone.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use pleach_edit::{EditRequest, propose};
use pleach_grammars::Language::{self, Python, Rust, TypeScript};

use super::*;

/// The text after completing what is around the first `^`, which is taken out; else why not.
fn completed(language: Language, marked: &str) -> Result<String, String> {
    let at = marked.find('^').unwrap();
    let text = marked.replacen('^', "", 1);
    let name = format!("a.{}", language.extensions().first().unwrap());
    let source = Source::read(&name, Some(language), &text).map_err(|it| it.to_string())?;
    let done = complete(&source, ByteRange::empty(ByteOffset(at)));
    let reply = done.map_err(|it| it.to_string())?.into_answer().reply;
    let files = BTreeMap::from([(name.clone(), text)]);
    let proposal = propose(&EditRequest::new(&reply, &files)).map_err(|it| it.to_string())?;
    Ok(proposal.after(&name).unwrap())
}

const ENUM: &str = "enum E { A, B(u8), C { d: u8 } }\n";

#[test]
fn a_match_gets_the_arms_that_it_lacks() {
    for (before, after) in [
        (
            "fn f(e: E) {\n    match ^e {\n        E::A => g(),\n    }\n}\n",
            "fn f(e: E) {\n    match e {\n        E::A => g(),\n        E::B(..) => todo!(),\n        E::C { .. } => todo!(),\n    }\n}\n",
        ),
        (
            "fn f(e: E) {\n    match e {\n        E::A | E::B(_) => g(^)\n    }\n}\n",
            "fn f(e: E) {\n    match e {\n        E::A | E::B(_) => g(),\n        E::C { .. } => todo!(),\n    }\n}\n",
        ),
        (
            "fn f(e: &E) {\n    match e {^}\n}\n",
            "fn f(e: &E) {\n    match e {\n        E::A => todo!(),\n        E::B(..) => todo!(),\n        E::C { .. } => todo!(),\n    }\n}\n",
        ),
        (
            "impl E {\n    fn f(&self) {\n        match self {\n            Self::C { d } => {}\n            Self::A => {}\n        ^}\n    }\n}\n",
            "impl E {\n    fn f(&self) {\n        match self {\n            Self::C { d } => {}\n            Self::A => {}\n            Self::B(..) => todo!(),\n        }\n    }\n}\n",
        ),
    ] {
        let [before, after] = [before, after].map(|it| format!("{ENUM}{it}"));
        assert_eq!(completed(Rust, &before).as_deref(), Ok(after.as_str()));
    }
}

#[test]
fn a_match_that_is_whole_or_not_certain_is_left() {
    for (text, why) in [
        (
            "fn f(e: E) { match ^e { E::A => 1, _ => 2 } }\n",
            "whatever is left",
        ),
        (
            "fn f(e: E) { match ^e { E::A => 1, other => 2 } }\n",
            "whatever is left",
        ),
        (
            "fn f(e: E) { match ^e { E::A => 1, E::B(_) => 2, E::C { .. } => 3 } }\n",
            "has an arm",
        ),
        (
            "fn f(e: E) { match ^e { E::A if x => 1, E::B(1) => 2, E::C { .. } => 3 } }\n",
            "in part",
        ),
        ("fn f(e: E) { match ^e { A => 1 } }\n", "not understood"),
        (
            "fn f(e: E) { match ^e { E::A => 1, F::G => 2 } }\n",
            "more than one enum",
        ),
        (
            "fn f(e: E) { match ^e { E::A => 1, E::Z => 2 } }\n",
            "no variant",
        ),
        (
            "fn f(o: Option<E>) { match ^o { Option::None => 1 } }\n",
            "no enum `Option`",
        ),
        ("fn f() { match ^g() {} }\n", "does not stand here"),
        (
            "fn f(k: K) { match ^k { io::E::A => 1 } }\n",
            "may lead elsewhere",
        ),
        (
            "mod m { enum E { Z } }\nfn f(e: E) { match ^e { E::A => 1 } }\n",
            "stands once",
        ),
        (
            "fn f(e: E) { match ^e { E::A => 1, #[cfg(a)] E::B(_) => 2 } }\n",
            "condition",
        ),
    ] {
        let refused = completed(Rust, &format!("{ENUM}{text}")).unwrap_err();
        assert!(refused.contains(why), "{text}: {refused}");
    }
    let conditional = "enum E { A, #[cfg(a)] B }\nfn f(e: E) { match ^e { E::A => 1 } }\n";
    let refused = completed(Rust, conditional).unwrap_err();
    assert!(refused.contains("condition"), "{refused}");
}

#[test]
fn an_implementation_gets_the_functions_that_its_trait_asks_for() {
    let item = "trait T {\n    type I;\n    const N: u8 = 1;\n    fn a(&self) -> Self::I;\n    /// Given.\n    fn b(&self) {}\n    fn c<X: Copy>(x: X) -> Result<X, ()>\n    where\n        X: Send;\n}\n";
    let before =
        format!("{item}impl T for S {{\n    type I = u8;\n    ^fn a(&self) -> u8 {{ 1 }}\n}}\n");
    let after = format!(
        "{item}impl T for S {{\n    type I = u8;\n    fn a(&self) -> u8 {{ 1 }}\n\n    fn c<X: Copy>(x: X) -> Result<X, ()> where X: Send {{\n        todo!()\n    }}\n}}\n"
    );
    assert_eq!(completed(Rust, &before).as_deref(), Ok(after.as_str()));
    let empty = "trait T {\n    fn a();\n    fn b();\n}\nimpl T for S {^}\n";
    let filled = "trait T {\n    fn a();\n    fn b();\n}\nimpl T for S {\n    fn a() {\n        todo!()\n    }\n\n    fn b() {\n        todo!()\n    }\n}\n";
    assert_eq!(completed(Rust, empty).as_deref(), Ok(filled));
    for (text, why) in [
        ("impl Clone for S {^}\n", "stands once"),
        (
            "trait T { fn a(); }\nimpl T for S { ^fn a() {} }\n",
            "is there",
        ),
        (
            "trait T<X> { fn a(x: X); }\nimpl T<u8> for S {^}\n",
            "type parameters",
        ),
        ("trait T { type I; }\nimpl T for S {^}\n", "only a person"),
        ("trait T { fn a(); }\nimpl T for S { all!(); ^}\n", "macros"),
        (
            "trait T { #[cfg(a)] fn a(); }\nimpl T for S {^}\n",
            "conditions",
        ),
    ] {
        let refused = completed(Rust, text).unwrap_err();
        assert!(refused.contains(why), "{text}: {refused}");
    }
}

#[test]
fn a_class_gets_the_methods_that_its_interface_asks_for() {
    let interface = "interface I {\n  a(x: number): string;\n  b?(): void;\n  c: number;\n}\n";
    let before = format!("{interface}class C implements I {{\n  c = 1;\n^}}\n");
    let after = format!(
        "{interface}class C implements I {{\n  c = 1;\n\n  a(x: number): string {{\n    throw new Error(\"a is not implemented\");\n  }}\n}}\n"
    );
    assert_eq!(
        completed(TypeScript, &before).as_deref(),
        Ok(after.as_str())
    );
    for (text, why) in [
        (
            "interface I { a(): void }\nclass C extends B implements I {^}\n",
            "extends",
        ),
        (
            "interface I extends J { a(): void }\nclass C implements I {^}\n",
            "extends",
        ),
        ("class C implements I {^}\n", "stands once"),
        (
            "interface I { c: number }\nclass C implements I {^}\n",
            "only a person",
        ),
        (
            "interface I { a(): void }\nclass C implements I { ^a() {} }\n",
            "is there",
        ),
        ("class C {^}\n", "model"),
        (
            "interface I { a(x: string): void; a(x: number): void }\nclass C implements I {^}\n",
            "more than one signature",
        ),
        (
            "interface I { readonly x?: number }\nclass C implements I {^}\n",
            "is there",
        ),
    ] {
        let refused = completed(TypeScript, text).unwrap_err();
        assert!(refused.contains(why), "{text}: {refused}");
    }
}

#[test]
fn what_only_the_class_or_only_itself_sees_is_not_what_its_interface_asks_for() {
    let interface = "interface I {\n  a(): void;\n}\n";
    let body = "class C implements I {\n  static a() {}\n  #a = 1;\n";
    assert_eq!(
        completed(TypeScript, &format!("{interface}{body}^}}\n")),
        Ok(format!(
            "{interface}{body}\n  a(): void {{\n    throw new Error(\"a is not implemented\");\n  }}\n}}\n"
        ))
    );
}

#[test]
fn a_class_gets_the_methods_that_its_base_leaves_abstract() {
    let base = "class B(ABC):\n    @abstractmethod\n    def a(self, x: int) -> str:\n        ...\n\n    @property\n    @abc.abstractmethod\n    def b(self): ...\n\n    def c(self): return 1\n\n\n";
    let before = format!("{base}class C(B):\n    d = 1^\n");
    let after = format!(
        "{base}class C(B):\n    d = 1\n\n    def a(self, x: int) -> str:\n        raise NotImplementedError\n\n    @property\n    def b(self):\n        raise NotImplementedError\n"
    );
    assert_eq!(completed(Python, &before).as_deref(), Ok(after.as_str()));
    let before = format!("{base}class C(B):\n    pass^\n");
    assert_eq!(
        completed(Python, &before).as_deref(),
        Ok(after.replace("    d = 1\n\n", "").as_str())
    );
    for (text, why) in [
        ("class C(B):\n    pass^\n", "stands once"),
        (
            "class B:\n    def a(self): ...\n\nclass C(B):\n    pass^\n",
            "leaves abstract",
        ),
        ("class C(A, B):\n    pass^\n", "more than one base"),
        (
            "class B(A):\n    @abstractmethod\n    def a(self): ...\n\nclass C(B):\n    pass^\n",
            "is a `A`",
        ),
        (
            "class B(ABC):\n    @abstractmethod\n    def a(\n        self,  # so\n    ): ...\n\nclass C(B):\n    pass^\n",
            "comment",
        ),
        (
            "class B(ABC):\n    @property\n    def a(self): ...\n    @a.setter\n    @abstractmethod\n    def a(self, x): ...\n\nclass C(B):\n    pass^\n",
            "adds to the property `a`",
        ),
    ] {
        let refused = completed(Python, text).unwrap_err();
        assert!(refused.contains(why), "{text}: {refused}");
    }
}

#[test]
fn a_sign_that_only_looks_like_a_comment_and_a_whole_property_are_taken_over() {
    let base = "class B(ABC):\n    @abstractmethod\n    def a(self, colour=\"#fff\"): ...\n    @property\n    @abstractmethod\n    def b(self): ...\n    @b.setter\n    @abstractmethod\n    def b(self, x): ...\n\n\n";
    let filled = "    def a(self, colour=\"#fff\"):\n        raise NotImplementedError\n\n    @property\n    def b(self):\n        raise NotImplementedError\n\n    @b.setter\n    def b(self, x):\n        raise NotImplementedError\n";
    assert_eq!(
        completed(Python, &format!("{base}class C(B):\n    pass^\n")),
        Ok(format!("{base}class C(B):\n{filled}"))
    );
}
