//! The languages that are compiled in, and what is known of each without parsing.
//!
//! Grammars are loaded on first use: nothing here runs at start-up.

use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

mod detect;

pub use detect::UnknownLanguage;

/// A language whose grammar is part of the binary.
///
/// It is written and read (serde, [`Display`](fmt::Display)) as its language identifier of the
/// Language Server Protocol, for example `typescriptreact`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // The names say it; `name()` spells them as people do.
pub enum Language {
    Rust,
    Python,
    JavaScript,
    TypeScript,
    Tsx,
    Go,
    Java,
    C,
    Cpp,
    CSharp,
    Ruby,
    Php,
    Lua,
    Bash,
    Json,
    Yaml,
    Toml,
    Html,
    Css,
    Markdown,
    Kotlin,
    Swift,
    Zig,
    Scala,
}

/// How comments are written in a language. Empty lists mean that the language has none of the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommentSyntax {
    /// What begins a comment that runs to the end of the line; the usual one first.
    pub line: &'static [&'static str],
    /// What begins and what ends a comment that may span lines; the usual pair first.
    pub block: &'static [(&'static str, &'static str)],
}

const SLASHES: CommentSyntax = CommentSyntax {
    line: &["//"],
    block: &[("/*", "*/")],
};
const HASH: CommentSyntax = CommentSyntax {
    line: &["#"],
    block: &[],
};
const MARKUP: CommentSyntax = CommentSyntax {
    line: &[],
    block: &[("<!--", "-->")],
};

/// What is fixed about a language: its identifier, its name for people, its comments.
struct Facts {
    id: &'static str,
    name: &'static str,
    comments: CommentSyntax,
}

const fn facts(id: &'static str, name: &'static str, comments: CommentSyntax) -> Facts {
    Facts { id, name, comments }
}

impl Language {
    /// Every language, in the order of the enum.
    pub const ALL: [Self; 24] = [
        Self::Rust,
        Self::Python,
        Self::JavaScript,
        Self::TypeScript,
        Self::Tsx,
        Self::Go,
        Self::Java,
        Self::C,
        Self::Cpp,
        Self::CSharp,
        Self::Ruby,
        Self::Php,
        Self::Lua,
        Self::Bash,
        Self::Json,
        Self::Yaml,
        Self::Toml,
        Self::Html,
        Self::Css,
        Self::Markdown,
        Self::Kotlin,
        Self::Swift,
        Self::Zig,
        Self::Scala,
    ];

    const fn facts(self) -> Facts {
        match self {
            Self::Rust => facts("rust", "Rust", SLASHES),
            Self::Python => facts("python", "Python", HASH),
            Self::JavaScript => facts("javascript", "JavaScript", SLASHES),
            Self::TypeScript => facts("typescript", "TypeScript", SLASHES),
            Self::Tsx => facts("typescriptreact", "TSX", SLASHES),
            Self::Go => facts("go", "Go", SLASHES),
            Self::Java => facts("java", "Java", SLASHES),
            Self::C => facts("c", "C", SLASHES),
            Self::Cpp => facts("cpp", "C++", SLASHES),
            Self::CSharp => facts("csharp", "C#", SLASHES),
            Self::Ruby => facts(
                "ruby",
                "Ruby",
                CommentSyntax {
                    line: &["#"],
                    block: &[("=begin", "=end")],
                },
            ),
            Self::Php => facts(
                "php",
                "PHP",
                CommentSyntax {
                    line: &["//", "#"],
                    block: &[("/*", "*/")],
                },
            ),
            Self::Lua => facts(
                "lua",
                "Lua",
                CommentSyntax {
                    line: &["--"],
                    block: &[("--[[", "]]")],
                },
            ),
            Self::Bash => facts("shellscript", "Bash", HASH),
            Self::Json => facts(
                "json",
                "JSON",
                CommentSyntax {
                    line: &[],
                    block: &[],
                },
            ),
            Self::Yaml => facts("yaml", "YAML", HASH),
            Self::Toml => facts("toml", "TOML", HASH),
            Self::Html => facts("html", "HTML", MARKUP),
            Self::Css => facts(
                "css",
                "CSS",
                CommentSyntax {
                    line: &[],
                    block: &[("/*", "*/")],
                },
            ),
            Self::Markdown => facts("markdown", "Markdown", MARKUP),
            Self::Kotlin => facts("kotlin", "Kotlin", SLASHES),
            Self::Swift => facts("swift", "Swift", SLASHES),
            Self::Zig => facts(
                "zig",
                "Zig",
                CommentSyntax {
                    line: &["//"],
                    block: &[],
                },
            ),
            Self::Scala => facts("scala", "Scala", SLASHES),
        }
    }

    /// The language identifier of the Language Server Protocol, as VS Code uses it.
    pub const fn id(self) -> &'static str {
        self.facts().id
    }

    /// The name as people write it: `C++`, `TypeScript`.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// How comments are written.
    pub const fn comment_syntax(self) -> CommentSyntax {
        self.facts().comments
    }

    /// Whether programs are written in it, as opposed to data, markup and style.
    pub const fn is_programming(self) -> bool {
        !matches!(
            self,
            Self::Json | Self::Yaml | Self::Toml | Self::Html | Self::Css | Self::Markdown
        )
    }

    /// The grammar, loaded on first use and then shared.
    pub fn grammar(self) -> &'static tree_sitter::Language {
        static LOADED: [OnceLock<tree_sitter::Language>; Language::ALL.len()] =
            [const { OnceLock::new() }; Language::ALL.len()];
        #[expect(
            clippy::indexing_slicing,
            reason = "one cell per variant, in their order"
        )]
        LOADED[self as usize].get_or_init(|| self.load())
    }

    fn load(self) -> tree_sitter::Language {
        let entry_point = match self {
            Self::Rust => tree_sitter_rust::LANGUAGE,
            Self::Python => tree_sitter_python::LANGUAGE,
            Self::JavaScript => tree_sitter_javascript::LANGUAGE,
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX,
            Self::Go => tree_sitter_go::LANGUAGE,
            Self::Java => tree_sitter_java::LANGUAGE,
            Self::C => tree_sitter_c::LANGUAGE,
            Self::Cpp => tree_sitter_cpp::LANGUAGE,
            Self::CSharp => tree_sitter_c_sharp::LANGUAGE,
            Self::Ruby => tree_sitter_ruby::LANGUAGE,
            Self::Php => tree_sitter_php::LANGUAGE_PHP,
            Self::Lua => tree_sitter_lua::LANGUAGE,
            Self::Bash => tree_sitter_bash::LANGUAGE,
            Self::Json => tree_sitter_json::LANGUAGE,
            Self::Yaml => tree_sitter_yaml::LANGUAGE,
            Self::Toml => tree_sitter_toml_ng::LANGUAGE,
            Self::Html => tree_sitter_html::LANGUAGE,
            Self::Css => tree_sitter_css::LANGUAGE,
            Self::Markdown => tree_sitter_md::LANGUAGE,
            Self::Kotlin => tree_sitter_kotlin_ng::LANGUAGE,
            Self::Swift => tree_sitter_swift::LANGUAGE,
            Self::Zig => tree_sitter_zig::LANGUAGE,
            Self::Scala => tree_sitter_scala::LANGUAGE,
        };
        entry_point.into()
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl Serialize for Language {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        id.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_the_order_of_the_enum() {
        for (index, language) in Language::ALL.into_iter().enumerate() {
            assert_eq!(language as usize, index);
        }
    }

    #[test]
    fn every_grammar_loads() {
        for language in Language::ALL {
            let mut parser = tree_sitter::Parser::new();
            assert!(
                parser.set_language(language.grammar()).is_ok(),
                "{language}"
            );
        }
    }

    #[test]
    fn identifiers_are_read_back() {
        for language in Language::ALL {
            assert_eq!(Language::from_lsp_id(language.id()), Some(language));
            assert_eq!(language.id().parse(), Ok(language));
        }
    }
}
