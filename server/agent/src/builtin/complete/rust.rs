//! Rust: the functions that a trait of the same file asks an implementation for.

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::{
    Lacking, Missing, at_end, inner_indent, is_conditional, mentions, only_item, type_parameters,
    unsure,
};
use crate::builtin::BuiltinRefusal;
use crate::builtin::source::{Source, children};

pub(super) fn missing(source: &Source<'_>, block: Node<'_>) -> Result<Missing, BuiltinRefusal> {
    let no = |why: &str| unsure(source, block, why);
    let named = block.child_by_field_name("trait");
    let named = named.ok_or_else(|| no("it is of no trait"))?;
    let name = match named.kind() {
        "generic_type" => named.child_by_field_name("type").unwrap_or(named),
        _ => named,
    };
    let name = source.text_of(name);
    let found = only_item(source, &["trait_item"], name, block);
    let item = found.ok_or_else(|| no(&format!("no trait `{name}` stands once in this file")))?;
    let (Some(asked), Some(body)) = (
        item.child_by_field_name("body"),
        block.child_by_field_name("body"),
    ) else {
        return Err(no("it has no body"));
    };
    let (asked, there) = (children(asked), children(body));
    let is_plain = |it: &Node<'_>| {
        it.kind() != "macro_invocation"
            && !is_conditional(source, *it)
            && !(it.kind() == "attribute_item" && source.text_of(*it).contains("cfg"))
    };
    if !asked.iter().chain(&there).all(is_plain) {
        return Err(no("macros or conditions decide what is there"));
    }
    let name_of = |it: &Node<'_>| it.child_by_field_name("name").map(|it| source.text_of(it));
    let there: BTreeSet<&str> = there.iter().filter_map(name_of).collect();
    let generic = type_parameters(source, item);
    let indent = inner_indent(source, body);
    let unit = source.unit();
    let (mut lines, mut lacking) = (String::new(), Lacking::default());
    for one in &asked {
        let Some(name) = name_of(one).filter(|name| !there.contains(name)) else {
            continue;
        };
        let text = source.text_of(*one);
        let has_default = one.child_by_field_name("value").is_some();
        match one.kind() {
            "function_signature_item" => {
                let head = text.trim_end_matches(';').trim_end();
                if generic.iter().any(|it| mentions(head, it)) {
                    return Err(no(&format!("`{name}` names type parameters of the trait")));
                }
                if head.contains("//") || head.contains("/*") {
                    return Err(no(&format!("a comment stands in the head of `{name}`")));
                }
                let head: Vec<&str> = head.lines().map(str::trim).collect();
                let gap = if lines.is_empty() && there.is_empty() {
                    ""
                } else {
                    "\n"
                };
                lines.push_str(&format!("{gap}{} {{\n{unit}todo!()\n}}\n", head.join(" ")));
                lacking.added.push(name);
            }
            "associated_type" => lacking.left.push(name),
            "const_item" if !has_default => lacking.left.push(name),
            _ => {}
        }
    }
    let said = lacking.said(
        "function",
        &format!(" of `{name}`"),
        &format!("all that `{name}` asks for"),
        no,
    )?;
    Ok(Missing {
        said,
        replacements: vec![at_end(source, body, &indent, &lines)],
    })
}
