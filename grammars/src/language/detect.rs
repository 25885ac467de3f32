//! Which language a document is in: by the editor's identifier, the path, the first line.

use std::str::FromStr;

use super::Language;

/// A language identifier that is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{id}` is not a language that Pleach knows; use an identifier such as `rust` or `typescriptreact`"
)]
pub struct UnknownLanguage {
    /// The identifier as it was given.
    pub id: String,
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::from_lsp_id(id).ok_or_else(|| UnknownLanguage { id: id.to_owned() })
    }
}

/// Identifiers of languages that we do not know although their files look like ones that we do.
///
/// When an editor names one of these, a guess from the file's extension would check the text by the
/// wrong grammar: an Objective-C header is not C++, SCSS is not CSS.
const FOREIGN_IDS: &[&str] = &[
    "astro",
    "blade",
    "cuda",
    "cuda-cpp",
    "cython",
    "django-html",
    "eruby",
    "erb",
    "fish",
    "glimmer",
    "gotmpl",
    "haml",
    "handlebars",
    "heex",
    "helm",
    "html-eex",
    "htmlangular",
    "htmldjango",
    "jinja",
    "jinja-html",
    "json5",
    "less",
    "liquid",
    "luau",
    "mdx",
    "mustache",
    "objc",
    "objcpp",
    "objective-c",
    "objective-cpp",
    "opencl",
    "powershell",
    "razor",
    "aspnetcorerazor",
    "sass",
    "scss",
    "snakemake",
    "svelte",
    "templ",
    "twig",
    "vue",
    "xml",
    "zsh",
];

impl Language {
    /// The language that an editor's language identifier names.
    ///
    /// Knows the identifiers of the protocol and VS Code (`typescriptreact`, `shellscript`), the
    /// file types of Vim (`cs`, `sh`, `typescript.tsx`, `yaml.ansible`), the names of Helix
    /// (`c-sharp`, `tsx`) and of Emacs' modes (`js`, `c++`). Case does not matter.
    pub fn from_lsp_id(id: &str) -> Option<Self> {
        let id = id.trim().to_ascii_lowercase();
        // Vim composes file types with dots: the whole first (`typescript.tsx`), then its parts.
        Self::from_simple_id(&id).or_else(|| id.split('.').find_map(Self::from_simple_id))
    }

    fn from_simple_id(id: &str) -> Option<Self> {
        let id = id
            .strip_suffix("-ts-mode")
            .or_else(|| id.strip_suffix("-mode"))
            .unwrap_or(id);
        Some(match id {
            "rust" | "rs" | "rustic" => Self::Rust,
            "python" | "py" | "python3" | "starlark" | "bzl" | "bazel" => Self::Python,
            "javascript" | "javascriptreact" | "js" | "jsx" | "javascript.jsx" | "js2"
            | "js-jsx" | "rjsx" | "ecmascript" => Self::JavaScript,
            "typescript" | "ts" => Self::TypeScript,
            "typescriptreact" | "tsx" | "typescript.tsx" | "typescript-tsx" => Self::Tsx,
            "go" | "golang" => Self::Go,
            "java" => Self::Java,
            "c" => Self::C,
            "cpp" | "c++" | "cplusplus" | "cxx" => Self::Cpp,
            "csharp" | "cs" | "c-sharp" | "c_sharp" | "c#" => Self::CSharp,
            "ruby" | "rb" | "enh-ruby" => Self::Ruby,
            "php" => Self::Php,
            "lua" => Self::Lua,
            "shellscript" | "sh" | "bash" | "shell" | "shell-script" | "bashrc" | "ksh"
            | "dash" => Self::Bash,
            "json" | "jsonc" | "jsonl" | "jsonlines" | "ndjson" | "geojson"
            | "json-with-comments" | "snippets" => Self::Json,
            "yaml"
            | "yml"
            | "dockercompose"
            | "docker-compose"
            | "github-actions-workflow"
            | "azure-pipelines"
            | "openapi" => Self::Yaml,
            "toml" => Self::Toml,
            "html" | "htm" | "xhtml" | "mhtml" => Self::Html,
            "css" => Self::Css,
            "markdown" | "md" | "gfm" | "pandoc" | "rmd" | "quarto" | "prompt" | "instructions"
            | "chatagent" => Self::Markdown,
            "kotlin" | "kt" | "kotlinscript" => Self::Kotlin,
            "swift" => Self::Swift,
            "zig" => Self::Zig,
            "scala" | "sbt" => Self::Scala,
            _ => return None,
        })
    }

    /// The extensions of the language's files, without the dot, lower case, the usual one first.
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["rs"],
            Self::Python => &["py", "pyi", "pyw", "bzl", "star", "bazel", "pyt"],
            Self::JavaScript => &["js", "mjs", "cjs", "jsx", "es6", "jsm"],
            Self::TypeScript => &["ts", "mts", "cts"],
            Self::Tsx => &["tsx"],
            Self::Go => &["go"],
            Self::Java => &["java"],
            Self::C => &["c"],
            // `.h` is read as C++: both VS Code and Vim do, and its grammar reads C headers too,
            // while the C grammar sees errors all over a C++ header.
            Self::Cpp => &[
                "cpp", "cc", "cxx", "c++", "h", "hpp", "hh", "hxx", "h++", "ipp", "inl", "tpp",
                "txx", "tcc", "cppm", "ixx", "ccm", "cxxm", "ino",
            ],
            Self::CSharp => &["cs", "csx", "cake"],
            Self::Ruby => &[
                "rb", "rake", "gemspec", "ru", "podspec", "jbuilder", "rbi", "rbw", "thor",
            ],
            Self::Php => &[
                "php", "phtml", "php3", "php4", "php5", "php7", "php8", "phps", "phpt", "ctp",
            ],
            Self::Lua => &["lua", "rockspec", "wlua"],
            Self::Bash => &["sh", "bash", "ksh", "ebuild", "eclass"],
            Self::Json => &[
                "json",
                "jsonc",
                "jsonl",
                "ndjson",
                "geojson",
                "topojson",
                "webmanifest",
                "jsonld",
                "ipynb",
                "code-workspace",
                "code-snippets",
                "avsc",
                "har",
                "gltf",
                "tfstate",
                "sublime-project",
                "sublime-settings",
                "webapp",
            ],
            Self::Yaml => &["yaml", "yml", "eyaml", "cff", "sublime-syntax"],
            Self::Toml => &["toml"],
            Self::Html => &["html", "htm", "xhtml", "xht", "shtml"],
            Self::Css => &["css"],
            Self::Markdown => &[
                "md", "markdown", "mkd", "mkdn", "mdown", "mdwn", "mdc", "rmd", "qmd", "livemd",
            ],
            Self::Kotlin => &["kt", "kts", "ktm"],
            Self::Swift => &["swift", "swiftinterface"],
            Self::Zig => &["zig"],
            Self::Scala => &["scala", "sc", "sbt", "mill"],
        }
    }

    /// The language of a file by its name, or else its extension. `/` and `\` both separate.
    pub fn from_path(path: &str) -> Option<Self> {
        let name = path.rsplit(['/', '\\']).next()?;
        if let Some(language) = Self::from_file_name(name, path) {
            return Some(language);
        }
        let (_, extension) = name.rsplit_once('.')?;
        // On systems where case matters these two are C++ by long custom.
        if extension == "C" || extension == "H" {
            return Some(Self::Cpp);
        }
        let extension = extension.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|language| language.extensions().contains(&extension.as_str()))
    }

    fn from_file_name(name: &str, path: &str) -> Option<Self> {
        Some(match name {
            "Cargo.lock" | "poetry.lock" | "uv.lock" | "pdm.lock" | "Pipfile" | "Gopkg.lock" => {
                Self::Toml
            }
            "config" if path.ends_with(".cargo/config") => Self::Toml,
            "BUILD" | "WORKSPACE" | "BUCK" | "Tiltfile" | "SConstruct" | "SConscript"
            | "wscript" | ".pythonrc" | ".pythonstartup" => Self::Python,
            "Jakefile" => Self::JavaScript,
            "Gemfile" | "Rakefile" | "Vagrantfile" | "Guardfile" | "Podfile" | "Fastfile"
            | "Appfile" | "Matchfile" | "Brewfile" | "Capfile" | "Berksfile" | "Appraisals"
            | "Dangerfile" | "Steepfile" | "Thorfile" | "Puppetfile" | "Cheffile" | ".irbrc"
            | ".pryrc" | ".simplecov" => Self::Ruby,
            ".php_cs" | ".php_cs.dist" => Self::Php,
            ".luacheckrc" | ".luacov" | ".busted" => Self::Lua,
            ".bashrc" | ".bash_profile" | ".bash_login" | ".bash_logout" | ".bash_aliases"
            | ".bash_functions" | "bash.bashrc" | "bashrc" | ".profile" | ".kshrc" | ".envrc"
            | ".xinitrc" | ".xprofile" | ".xsession" | "PKGBUILD" | "APKBUILD" => Self::Bash,
            ".babelrc"
            | ".eslintrc"
            | ".jshintrc"
            | ".jscsrc"
            | ".jslintrc"
            | ".swcrc"
            | ".nycrc"
            | ".hintrc"
            | ".tern-project"
            | ".watchmanconfig"
            | ".arcconfig"
            | ".bowerrc"
            | ".htmlhintrc"
            | ".all-contributorsrc"
            | "composer.lock"
            | "Pipfile.lock"
            | "flake.lock"
            | "deno.lock"
            | "bun.lock"
            | "Package.resolved" => Self::Json,
            ".clang-format" | "_clang-format" | ".clang-tidy" | ".clangd" | ".gemrc"
            | ".yamllint" | "pubspec.lock" | "Podfile.lock" | "glide.lock" => Self::Yaml,
            _ => return None,
        })
    }

    /// The language that a first line gives away: a `#!` line, `<?php`, a document type.
    ///
    /// Editor modelines are not read: what they say, the editor says itself.
    pub fn from_first_line(line: &str) -> Option<Self> {
        let line = line.strip_prefix('\u{feff}').unwrap_or(line).trim_end();
        if let Some(command) = line.strip_prefix("#!") {
            return Self::from_shebang(command);
        }
        let start: String = line
            .trim_start()
            .chars()
            .take(14)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if start.starts_with("<?php") {
            Some(Self::Php)
        } else if start.starts_with("<!doctype html") || start.starts_with("<html") {
            Some(Self::Html)
        } else {
            None
        }
    }

    /// What follows `#!`: an interpreter, or `env` and how it finds one.
    fn from_shebang(command: &str) -> Option<Self> {
        let mut words = command.split_whitespace();
        let first = base_name(words.next()?);
        if first != "env" && first != "busybox" {
            return Self::from_interpreter(first, words.next());
        }
        // `env -S python3 -u`, `env -u NAME X=1 node`: options and assignments come before the
        // command. `-u` and `-C` take the next word with them.
        while let Some(word) = words.next() {
            match word {
                "-u" | "-C" | "--unset" | "--chdir" => {
                    words.next();
                }
                _ if word.starts_with("-S") && word.len() > 2 => {
                    let joined = word.trim_start_matches("-S");
                    return Self::from_interpreter(base_name(joined), words.next());
                }
                _ if word.starts_with('-') || word.contains('=') => {}
                _ => return Self::from_interpreter(base_name(word), words.next()),
            }
        }
        None
    }

    fn from_interpreter(program: &str, argument: Option<&str>) -> Option<Self> {
        let program = program.strip_suffix(".exe").unwrap_or(program);
        // `python3.12`, `php8.3`, `lua5.4`, `node-20`.
        let stem = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
        Some(match (stem, argument) {
            ("python" | "pypy" | "pythonw" | "micropython" | "ipython" | "pipx", _)
            | ("uv", Some("run")) => Self::Python,
            ("node" | "nodejs" | "iojs" | "rhino" | "jsc" | "qjs" | "gjs", _) => Self::JavaScript,
            ("deno" | "bun" | "ts-node" | "tsx" | "ts-node-esm", _) => Self::TypeScript,
            ("bash" | "sh" | "dash" | "ash" | "ksh" | "mksh" | "rbash", _) => Self::Bash,
            ("ruby" | "jruby" | "rake" | "macruby" | "rbx", _) => Self::Ruby,
            ("php", _) => Self::Php,
            ("lua" | "luajit" | "texlua", _) => Self::Lua,
            ("rust-script" | "run-cargo-script" | "cargo", _) => Self::Rust,
            ("go", Some("run")) | ("gorun" | "yaegi", _) => Self::Go,
            ("java" | "jshell" | "jbang", _) => Self::Java,
            ("kotlin" | "kotlinc" | "kscript", _) => Self::Kotlin,
            ("scala" | "scala-cli" | "amm", _) => Self::Scala,
            ("swift", _) => Self::Swift,
            ("dotnet" | "dotnet-script" | "csi", _) => Self::CSharp,
            ("zig", _) => Self::Zig,
            ("tcc", _) => Self::C,
            _ => return None,
        })
    }

    /// The language of a document by all that is known of it: what the editor says, then the path,
    /// then the first line.
    ///
    /// An identifier of another language (`scss`, `vue`, …) means *none of ours*, whatever the path
    /// looks like; an identifier that says nothing (`plaintext`) or that nobody knows does not.
    pub fn detect(lsp_id: Option<&str>, path: &str, first_line: &str) -> Option<Self> {
        if let Some(id) = lsp_id.map(str::trim).filter(|id| !id.is_empty()) {
            let id = id.to_ascii_lowercase();
            if FOREIGN_IDS.contains(&id.as_str())
                || id
                    .split('.')
                    .next()
                    .is_some_and(|first| FOREIGN_IDS.contains(&first))
            {
                return None;
            }
            if let Some(language) = Self::from_lsp_id(&id) {
                return Some(language);
            }
        }
        Self::from_path(path).or_else(|| Self::from_first_line(first_line))
    }
}

fn base_name(program: &str) -> &str {
    program.rsplit(['/', '\\']).next().unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::*;

    #[track_caller]
    fn check(pairs: &[(&str, Option<Language>)], detect: fn(&str) -> Option<Language>) {
        for (input, expected) in pairs {
            assert_eq!(detect(input), *expected, "{input}");
        }
    }

    #[test]
    fn editors_name_languages_in_their_own_ways() {
        check(
            &[
                ("rust", Some(Rust)),
                ("cs", Some(CSharp)),
                ("c-sharp", Some(CSharp)),
                ("sh", Some(Bash)),
                ("shellscript", Some(Bash)),
                ("typescriptreact", Some(Tsx)),
                ("typescript.tsx", Some(Tsx)),
                ("tsx", Some(Tsx)),
                ("javascriptreact", Some(JavaScript)),
                ("javascript.jsx", Some(JavaScript)),
                ("yaml.ansible", Some(Yaml)),
                ("c++-ts-mode", Some(Cpp)),
                ("Markdown", Some(Markdown)),
                ("jsonc", Some(Json)),
                ("makefile", None),
                ("plaintext", None),
                ("", None),
            ],
            Language::from_lsp_id,
        );
    }

    #[test]
    fn names_and_extensions() {
        check(
            &[
                ("src/main.rs", Some(Rust)),
                ("C:\\src\\Main.CS", Some(CSharp)),
                ("Cargo.lock", Some(Toml)),
                ("a/b/.bashrc", Some(Bash)),
                ("BUILD", Some(Python)),
                ("BUILD.bazel", Some(Python)),
                ("Makefile", None),
                ("Dockerfile", None),
                ("include/x.h", Some(Cpp)),
                ("x.C", Some(Cpp)),
                ("x.c", Some(C)),
                ("view.test.tsx", Some(Tsx)),
                ("types.d.ts", Some(TypeScript)),
                ("home/.cargo/config", Some(Toml)),
                ("home/.git/config", None),
                ("build.gradle.kts", Some(Kotlin)),
                ("README", None),
                ("README.md", Some(Markdown)),
                (".md", Some(Markdown)),
                ("rs", None),
                ("", None),
            ],
            Language::from_path,
        );
    }

    #[test]
    fn first_lines() {
        check(
            &[
                ("#!/usr/bin/env -S python3 -u", Some(Python)),
                ("#!/usr/bin/python3.12", Some(Python)),
                ("#! /bin/sh -e", Some(Bash)),
                ("#!/usr/bin/env -i PATH=/bin node", Some(JavaScript)),
                ("#!/usr/bin/env -u HOME ruby", Some(Ruby)),
                ("#!/usr/bin/env -Sdeno run", Some(TypeScript)),
                ("#!/usr/bin/env -S uv run --script", Some(Python)),
                ("#!/usr/bin/env", None),
                ("#!", None),
                ("#![allow(unused)]", None),
                ("#!/usr/bin/perl -w", None),
                ("\u{feff}<?php", Some(Php)),
                ("<!DOCTYPE html>", Some(Html)),
                ("hello", None),
            ],
            Language::from_first_line,
        );
    }

    #[test]
    fn what_the_editor_says_wins() {
        assert_eq!(Language::detect(Some("python"), "x.rs", ""), Some(Python));
        assert_eq!(Language::detect(Some("plaintext"), "x.rs", ""), Some(Rust));
        assert_eq!(Language::detect(None, "tool", "#!/bin/bash"), Some(Bash));
        assert_eq!(Language::detect(Some("objective-c"), "x.h", ""), None);
        assert_eq!(Language::detect(Some("vue.html"), "x.html", ""), None);
    }

    #[test]
    fn no_extension_belongs_to_two_languages() {
        let mut seen = std::collections::BTreeMap::new();
        for language in Language::ALL {
            for extension in language.extensions() {
                assert_eq!(seen.insert(extension, language), None, "{extension}");
            }
        }
    }
}
