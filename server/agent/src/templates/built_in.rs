//! The templates that come with Pleach.

use super::head::{self, Head};
use super::source::Source;

struct BuiltIn {
    name: &'static str,
    head: &'static str,
    files: &'static [(&'static str, &'static str)],
}

const ALL: [BuiltIn; 4] = [
    BuiltIn {
        name: "go-module",
        head: include_str!("go-module/template.toml"),
        files: &[
            ("go.mod.j2", include_str!("go-module/go.mod.j2")),
            (
                "{{ package }}.go.j2",
                include_str!("go-module/package.go.j2"),
            ),
            (
                "{{ package }}_test.go.j2",
                include_str!("go-module/package_test.go.j2"),
            ),
        ],
    },
    BuiltIn {
        name: "python-package",
        head: include_str!("python-package/template.toml"),
        files: &[
            (
                "pyproject.toml.j2",
                include_str!("python-package/pyproject.toml.j2"),
            ),
            ("README.md.j2", include_str!("python-package/README.md.j2")),
            (
                "src/{{ module }}/__init__.py.j2",
                include_str!("python-package/init.py.j2"),
            ),
            (
                "tests/test_{{ module }}.py.j2",
                include_str!("python-package/test.py.j2"),
            ),
        ],
    },
    BuiltIn {
        name: "rust-crate",
        head: include_str!("rust-crate/template.toml"),
        files: &[
            ("Cargo.toml.j2", include_str!("rust-crate/cargo.toml.j2")),
            (
                "{% if kind == \"program\" %}src{% endif %}/main.rs.j2",
                include_str!("rust-crate/main.rs.j2"),
            ),
            (
                "{% if kind == \"library\" %}src{% endif %}/lib.rs.j2",
                include_str!("rust-crate/lib.rs.j2"),
            ),
        ],
    },
    BuiltIn {
        name: "typescript-package",
        head: include_str!("typescript-package/template.toml"),
        files: &[
            (
                "package.json.j2",
                include_str!("typescript-package/package.json.j2"),
            ),
            (
                "tsconfig.json",
                include_str!("typescript-package/tsconfig.json"),
            ),
            (
                "src/index.ts.j2",
                include_str!("typescript-package/index.ts.j2"),
            ),
            (
                "test/index.test.ts.j2",
                include_str!("typescript-package/index.test.ts.j2"),
            ),
        ],
    },
];

pub(super) fn all() -> impl Iterator<Item = (Head, Source)> {
    ALL.iter().filter_map(|it| {
        let source = Source::BuiltIn {
            name: it.name,
            files: it.files,
        };
        Some((head::read(it.head).0?, source))
    })
}
