//! Python: the methods that an abstract class of the same file asks a class for.

use std::collections::BTreeSet;

use pleach_text::{ByteOffset, Replacement};
use tree_sitter::Node;

use super::{Lacking, Missing, inner_indent, only_item, unsure};
use crate::builtin::BuiltinRefusal;
use crate::builtin::source::{Nodes, Source, children};

pub(super) fn missing(source: &Source<'_>, class: Node<'_>) -> Result<Missing, BuiltinRefusal> {
    let no = |why: &str| unsure(source, class, why);
    let body = class
        .child_by_field_name("body")
        .ok_or_else(|| no("it has no body"))?;
    let bases = class
        .child_by_field_name("superclasses")
        .map(children)
        .unwrap_or_default();
    let base = match bases.as_slice() {
        [only] if only.kind() == "identifier" => source.text_of(*only),
        [] => {
            return Err(BuiltinRefusal::needs_model(
                "Implementing what is left open",
            ));
        }
        _ => return Err(no("it has more than one base")),
    };
    let found = only_item(source, &["class_definition"], base, class);
    let item = found.ok_or_else(|| no(&format!("no class `{base}` stands once in this file")))?;
    if let Some(further) = further_base(source, item) {
        return Err(no(&format!(
            "`{base}` is a `{further}`, which may ask for more"
        )));
    }
    let defined: BTreeSet<&str> = children(body)
        .into_iter()
        .filter_map(|it| defined_by(source, it))
        .collect();
    let asked = item
        .child_by_field_name("body")
        .map(children)
        .unwrap_or_default();
    let indent = inner_indent(source, body);
    let unit = source.unit();
    let (mut lines, mut lacking) = (String::new(), Lacking::default());
    for one in asked {
        let Some(method) = AbstractMethod::of(source, one) else {
            continue;
        };
        let name = method.name;
        if defined.contains(name) {
            continue;
        }
        if method.has_comment {
            return Err(no(&format!("a comment stands in the head of `{name}`")));
        }
        // `@name.setter` adds to a property that has to be there.
        let adds_to = method.adds_to();
        if let Some(property) = adds_to.filter(|it| !lacking.added.contains(it)) {
            return Err(no(&format!(
                "`{name}` adds to the property `{property}` of `{base}`"
            )));
        }
        lines.push('\n');
        for line in method.heads {
            lines.push_str(&format!("\n{indent}{line}"));
        }
        lines.push_str(&format!("\n{indent}{unit}raise NotImplementedError"));
        lacking.added.push(name);
    }
    let said = lacking.said(
        "method",
        &format!(" of `{base}`"),
        &format!("all that `{base}` leaves abstract"),
        no,
    )?;
    let parts = children(body);
    let end = body.end_byte();
    let line = source.line_end(ByteOffset(end));
    let replacement = match parts.as_slice() {
        // What only fills the place goes.
        [only] if only.kind() == "pass_statement" => {
            if !source.begins_line(ByteOffset(only.start_byte())) {
                return Err(no("its body stands in the line of its name"));
            }
            let from = source.line_start(ByteOffset(only.start_byte())).0;
            Replacement::new(from..only.end_byte(), lines.trim_start_matches('\n'))
        }
        _ => Replacement::new(line.0..line.0, lines.as_str()),
    };
    Ok(Missing {
        said,
        replacements: vec![replacement],
    })
}

/// What a statement of a class defines.
fn defined_by<'t>(source: &Source<'t>, statement: Node<'_>) -> Option<&'t str> {
    let named = match statement.kind() {
        "decorated_definition" => statement.child_by_field_name("definition")?,
        "expression_statement" => {
            let assigned = statement
                .named_child(0)
                .filter(|it| it.kind() == "assignment")?;
            return assigned
                .child_by_field_name("left")
                .map(|it| source.text_of(it));
        }
        _ => statement,
    };
    named
        .child_by_field_name("name")
        .map(|it| source.text_of(it))
}

/// A base of a class that itself may leave something abstract.
fn further_base<'t>(source: &Source<'t>, class: Node<'_>) -> Option<&'t str> {
    let known = [
        "ABC",
        "abc.ABC",
        "object",
        "Protocol",
        "typing.Protocol",
        "metaclass=ABCMeta",
        "metaclass=abc.ABCMeta",
    ];
    let bases = class.child_by_field_name("superclasses").map(children);
    let mut bases = bases.into_iter().flatten().map(|it| source.text_of(it));
    bases.find(|base| !known.contains(base))
}

struct AbstractMethod<'t> {
    name: &'t str,
    /// The decorators that are kept, and the line that begins with `def`.
    heads: Vec<String>,
    /// It would swallow what is joined to it.
    has_comment: bool,
}

impl<'t> AbstractMethod<'t> {
    fn of(source: &Source<'t>, statement: Node<'_>) -> Option<Self> {
        if statement.kind() != "decorated_definition" {
            return None;
        }
        let function = statement.child_by_field_name("definition")?;
        let body = function.child_by_field_name("body")?;
        let decorators: Vec<&str> = children(statement)
            .into_iter()
            .filter(|it| it.kind() == "decorator")
            .map(|it| source.text_of(it).trim_end())
            .collect();
        let is_abstract = |it: &&str| matches!(*it, "@abstractmethod" | "@abc.abstractmethod");
        if !decorators.iter().any(is_abstract) {
            return None;
        }
        let head = source
            .text
            .get(function.start_byte()..body.start_byte())?
            .trim_end();
        let head: Vec<&str> = head.lines().map(str::trim).collect();
        let kept = decorators.iter().filter(|it| !is_abstract(it));
        let mut heads: Vec<String> = kept.map(|it| (*it).to_owned()).collect();
        heads.push(head.join(" "));
        let has_comment = Nodes::below(statement)
            .take_while(|it| it.start_byte() < body.start_byte())
            .any(|it| it.kind() == "comment");
        Some(Self {
            name: source.text_of(function.child_by_field_name("name")?),
            heads,
            has_comment,
        })
    }

    /// The property that a decorator takes up, which has to be defined before.
    fn adds_to(&self) -> Option<&str> {
        self.heads.iter().find_map(|head| {
            let (property, part) = head.strip_prefix('@')?.rsplit_once('.')?;
            matches!(part, "getter" | "setter" | "deleter").then_some(property)
        })
    }
}
