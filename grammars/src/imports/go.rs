//! Go.

use tree_sitter::Node;

use super::{Import, ImportedName};
use crate::walk::{Preorder, range_of, text_of};

pub(super) fn import(node: Node<'_>, text: &str) -> Option<Import> {
    if node.kind() != "import_declaration" {
        return None;
    }
    let mut names = Vec::new();
    let mut walk = Preorder::new(node);
    loop {
        let spec = walk.node();
        if spec.kind() == "import_spec"
            && let Some(path) = spec.child_by_field_name("path")
        {
            let written = text_of(path, text).trim_matches(['"', '`']);
            let alias = spec.child_by_field_name("name");
            let local = match alias.map(|alias| text_of(alias, text)) {
                Some(".") => "*",
                Some("_") => "",
                Some(alias) => alias,
                None => package_name(written),
            };
            names.push(ImportedName {
                name: package_name(written).to_owned(),
                path: written.to_owned(),
                local: local.to_owned(),
                range: range_of(spec),
                local_range: range_of(alias.unwrap_or(path)),
            });
        }
        if !walk.advance(true) {
            return Some(Import {
                range: range_of(node),
                names,
                is_exported: false,
            });
        }
    }
}

/// The name that a package most likely gives itself: the last part of its path, without a version
/// (`yaml` of `gopkg.in/yaml.v3` and of `example.org/yaml/v3`) and without `go-` before it.
pub(crate) fn package_name(path: &str) -> &str {
    let is_version = |part: &str| {
        part.strip_prefix('v')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let last = path
        .rsplit('/')
        .find(|part| !is_version(part))
        .unwrap_or(path);
    match last.rsplit_once('.') {
        Some((name, version)) if is_version(version) => name,
        _ => last.strip_prefix("go-").unwrap_or(last),
    }
}
