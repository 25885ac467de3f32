//! What a model is told: a role's standing orders and one request, made from templates.
//!
//! Of the document that the person pointed at all goes into a prompt when it fits the limit, else the part
//! around the place. What lies elsewhere is the [pack](crate::context)'s.

use std::collections::BTreeSet;

use minijinja::{Value, context};
use pleach_grammars::{outline, parse, symbol_at};
use pleach_model::Message;
use pleach_policy::Secrets;
use pleach_text::{ByteOffset, ByteRange, line_column};

use crate::action::Action;
use crate::chat;
use crate::context::Piece;
use crate::failure::JobFailure;
use crate::job::JobRequest;
use crate::review::Scope;
use crate::roles::{About, Output, OwnAction, Roster, Spot, fence_for, templates};
use crate::rules::rules_for;

/// The two texts of a prompt, with placeholders for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    /// Standing orders of the role.
    pub(crate) system: String,
    /// The request itself.
    pub(crate) user: String,
    /// The first and the last line of the document that are shown, from 1, and how many it has.
    pub(crate) lines: (usize, usize, usize),
    /// The project's rules that are told, and why.
    pub(crate) rules: Vec<(String, String)>,
    /// What was hidden in it.
    pub(crate) secrets: Secrets,
    /// What was said before, in a chat.
    pub(crate) earlier: Vec<Message>,
    /// What the person mentions, which is part of the request.
    pub(crate) mentioned: Vec<Piece>,
    /// What the person should know of the request.
    pub(crate) notes: Vec<String>,
}

/// Lines of a document that are shown to a model. Line numbers are 1-based and inclusive.
#[derive(Debug)]
struct Excerpt<'a> {
    text: &'a str,
    first: usize,
    last: usize,
    total: usize,
    partial: bool,
}

/// Writes the prompt for `request`, by the role that carries it out. At most `limit` bytes of the document
/// go in. Reads the project's rules for agents, so it asks the disk.
pub(crate) fn write(
    request: &JobRequest,
    roster: &Roster,
    limit: usize,
) -> Result<Prompt, JobFailure> {
    if chat::is_of(request) {
        chat::prompt(request, roster, limit)
    } else {
        of_a_place(request, roster, limit)
    }
}

/// The prompt for a request about a place of a document.
fn of_a_place(request: &JobRequest, roster: &Roster, limit: usize) -> Result<Prompt, JobFailure> {
    let internal = |_: minijinja::Error| JobFailure::Internal {
        doing: "writing the prompt",
    };
    let document = &request.document;
    let excerpt =
        excerpt(&document.text, request.range, limit).map_err(|bytes| JobFailure::TooLarge {
            path: document.path.clone(),
            bytes,
            limit,
        })?;
    let is_review = request.action == Action::Review;
    let is_whole = is_review && request.scope == Scope::File;
    let selection = (!request.range.is_empty() && !is_whole)
        .then(|| whole_lines(&document.text, request.range))
        .map(|range| {
            let (first, _) = line_column(&document.text, range.start);
            let text = document
                .text
                .get(range.as_usize())
                .unwrap_or_default()
                .trim_end();
            context! {
                first => first.number(),
                last => first.index() + text.lines().count().max(1),
                text => text,
            }
        });
    let diagnostics = reported(request);
    let language = document
        .language
        .map_or("plain text", pleach_grammars::Language::name);

    let orders = Orders::of(request, roster, &document.path, language, [&document.path])?;
    let instruction = match &request.own {
        Some(own) => {
            let mut asked = own_instruction(own, request, language)?;
            if let Some(more) = &request.instruction {
                asked = format!("{asked}\n\n{more}");
            }
            Some(asked)
        }
        None => request.instruction.clone(),
    };
    let templates = templates().map_err(internal)?;
    let user = templates
        .render_str(
            include_str!("prompts/request.j2"),
            context! {
                path => document.path.clone(),
                language => language,
                fence => fence_for(excerpt.text),
                excerpt => context! {
                    text => excerpt.text,
                    first => excerpt.first,
                    last => excerpt.last,
                    total => excerpt.total,
                    partial => excerpt.partial,
                },
                selection => selection,
                diagnostics => diagnostics,
                task => if is_review { review_task(request.scope) } else { task(request.action) },
                instruction => instruction,
            },
        )
        .map_err(internal)?;
    let mut secrets = Secrets::default();
    let user = secrets.hide(document.named(), &user).into_owned();
    let lines = (excerpt.first, excerpt.last, excerpt.total);
    Ok(orders.into_prompt(user, lines, secrets))
}

/// The prompt for a review of changes: `what` they are, the `diff`, which has placeholders for the `secrets` already, of
/// files of these `paths`, and what is not in it. Reads the project's rules, so it asks the disk.
pub(crate) fn of_changes<'a>(
    request: &JobRequest,
    roster: &Roster,
    (what, diff, left_out): (&str, &str, &[String]),
    paths: impl IntoIterator<Item = &'a String>,
    mut secrets: Secrets,
) -> Result<Prompt, JobFailure> {
    let orders = Orders::of(request, roster, "", "software", paths)?;
    let mut hide = |text: &str| secrets.hide(None, text).into_owned();
    let left_out: Vec<String> = left_out.iter().map(|what| hide(what)).collect();
    let instruction = request.instruction.as_deref().map(hide);
    let written = templates().and_then(|templates| {
        templates.render_str(
            include_str!("prompts/changes.j2"),
            context! {
                what => what,
                diff => diff.trim_end(),
                fence => fence_for(diff),
                left_out => left_out,
                task => review_task(Scope::Changes),
                instruction => instruction,
            },
        )
    });
    let user = written.map_err(|_| JobFailure::Internal {
        doing: "writing the prompt",
    })?;
    Ok(orders.into_prompt(user, (0, 0, 0), secrets))
}

/// What a role is told before any request: its standing orders, with the rules of the project.
pub(crate) struct Orders {
    system: String,
    rules: Vec<(String, String)>,
}

impl Orders {
    /// The orders of the role that carries out `request`, about the document called `path`, with the rules
    /// for these `files`.
    pub(crate) fn of<'a>(
        request: &JobRequest,
        roster: &Roster,
        path: &str,
        language: &str,
        files: impl IntoIterator<Item = &'a String>,
    ) -> Result<Self, JobFailure> {
        let name = request.role_name();
        let role = roster.role(name).ok_or_else(|| JobFailure::UnknownRole {
            name: name.to_owned(),
        })?;
        let mut seen = BTreeSet::new();
        let (mut rules, mut told) = (Vec::new(), Vec::new());
        for path in files {
            for rule in rules_for(&request.workspace, path).applied {
                if seen.insert(rule.path.clone()) {
                    told.push((rule.path.clone(), rule.reason.to_string()));
                    rules.push((rule.path, rule.text));
                }
            }
        }
        let about = About {
            path,
            language,
            rules: &rules,
        };
        let output = match request.action {
            Action::Review => Output::Findings,
            Action::Chat => Output::Chat,
            _ => role.output,
        };
        let system = role
            .orders_for(&about, output)
            .map_err(|error| JobFailure::Template {
                name: role.name.clone(),
                why: error.to_string(),
            })?;
        Ok(Self {
            system,
            rules: told,
        })
    }

    pub(crate) fn into_prompt(
        self,
        user: String,
        lines: (usize, usize, usize),
        mut secrets: Secrets,
    ) -> Prompt {
        Prompt {
            system: secrets.hide(None, &self.system).into_owned(),
            user,
            lines,
            rules: self.rules,
            secrets,
            earlier: Vec::new(),
            mentioned: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// What is reported about the document, for the template.
fn reported(request: &JobRequest) -> Vec<Value> {
    let text = &request.document.text;
    let told = request.diagnostics.iter().map(|diagnostic| {
        context! {
            line => line_column(text, diagnostic.range.start).0.number(),
            message => diagnostic.message.clone(),
            origin => diagnostic.source.clone(),
        }
    });
    told.collect()
}

/// What an action of a person's own asks for at the place of a job.
fn own_instruction(
    own: &OwnAction,
    request: &JobRequest,
    language: &str,
) -> Result<String, JobFailure> {
    let document = &request.document;
    let symbols = document.language.map_or_else(Vec::new, |language| {
        outline(&parse(language, &document.text), &document.text)
    });
    let symbol = symbol_at(&symbols, request.range.start);
    let selection = document.text.get(request.range.as_usize());
    let spot = Spot {
        path: &document.path,
        language,
        selection: selection.unwrap_or_default(),
        symbol: symbol.map_or("", |symbol| symbol.name.as_str()),
    };
    own.instruction(&spot)
        .map_err(|error| JobFailure::Template {
            name: own.name.clone(),
            why: error.to_string(),
        })
}

/// What each action asks of a model, in one sentence.
fn task(action: Action) -> &'static str {
    match action {
        Action::Fix => {
            "Fix what is reported, at its cause, with the smallest change that is right."
        }
        Action::Rewrite => "Change the code as the person's instruction says.",
        Action::Document => {
            "Write the documentation comment of the symbol at that place, in the style of its language and of this file: what it does, its parameters, what it returns, how it fails. Change no code."
        }
        Action::Tests => {
            "Write tests for the symbol at that place, in the framework and in the place that this project uses. Cover the edges. Each test must be able to fail."
        }
        Action::Implement => {
            "Implement what is left open at that place (a TODO, an empty or unfinished body), keeping the signature."
        }
        Action::Comment => {
            "Carry out the instruction that stands in the comment at that place, and remove that comment."
        }
        Action::Explain => {
            "Explain the code at that place to a colleague who has not seen it before."
        }
        Action::Ask => "Answer the person's instruction about the code at that place.",
        Action::Review
        | Action::RunTests
        | Action::Chat
        | Action::Plan
        | Action::Land
        | Action::Cancel
        | Action::Undo => "",
    }
}

/// What a review asks of a model.
fn review_task(scope: Scope) -> &'static str {
    match scope {
        Scope::Selection => {
            "Review the code at that place, and the rest of the file only for understanding it: defects first, then risks, then what could be simpler."
        }
        Scope::File => "Review this file: defects first, then risks, then what could be simpler.",
        Scope::Changes => {
            "Review these changes: what they break, what they leave half done, what is missing with them. The numbers in `@@ -a,b +c,d @@` say where each part begins; lines are counted in the new files."
        }
    }
}

/// The lines of `text` to show: all of them, or as many around `range` as `limit` bytes hold.
/// Fails with the number of bytes when `range` alone is larger.
fn excerpt(text: &str, range: ByteRange, limit: usize) -> Result<Excerpt<'_>, usize> {
    let total = text.lines().count();
    if text.len() <= limit {
        return Ok(Excerpt {
            text,
            first: 1,
            last: total,
            total,
            partial: false,
        });
    }
    let mut shown = whole_lines(text, range).as_usize();
    if shown.len() > limit {
        return Err(shown.len());
    }
    // Grow by a line on each side in turn, so that the place stays in the middle.
    loop {
        let before = text.get(..shown.start).unwrap_or_default();
        let above = before
            .strip_suffix('\n')
            .unwrap_or(before)
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let after = text.get(shown.end..).unwrap_or_default();
        let below = after.find('\n').map_or(text.len(), |at| shown.end + at + 1);
        let mut grown = false;
        if above < shown.start && shown.end - above <= limit {
            shown.start = above;
            grown = true;
        }
        if below > shown.end && below - shown.start <= limit {
            shown.end = below;
            grown = true;
        }
        if !grown {
            break;
        }
    }
    let first = line_column(text, ByteOffset(shown.start)).0.number();
    let part = text.get(shown).unwrap_or_default();
    let last = first + part.lines().count().saturating_sub(1);
    Ok(Excerpt {
        text: part,
        first,
        last,
        total,
        partial: true,
    })
}

/// `range` widened to the beginning of its first line and behind the break of its last.
fn whole_lines(text: &str, range: ByteRange) -> ByteRange {
    let start = text
        .get(..range.start.0)
        .and_then(|t| t.rfind('\n'))
        .map_or(0, |at| at + 1);
    // A selection that ends at a line's very beginning does not mean that line.
    let end = range
        .end
        .0
        .saturating_sub(usize::from(!range.is_empty()))
        .max(start);
    let end = text
        .get(end..)
        .and_then(|t| t.find('\n'))
        .map_or(text.len(), |at| end + at + 1);
    ByteRange::new(ByteOffset(start), ByteOffset(end))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn range(start: usize, end: usize) -> ByteRange {
        ByteRange::new(ByteOffset(start), ByteOffset(end))
    }

    #[test]
    fn a_long_file_is_shown_around_the_place() {
        let text = "one\ntwo\nthree\nfour\nfive\nsix\n";
        let shown = excerpt(text, range(9, 10), 15).unwrap();
        assert_eq!(shown.text, "two\nthree\nfour\n");
        assert_eq!((shown.first, shown.last, shown.total), (2, 4, 6));
        assert!(shown.partial);
    }

    #[test]
    fn a_place_larger_than_the_limit_is_refused_with_its_size() {
        assert_eq!(excerpt("aaaaaaaaaa\nb\n", range(0, 3), 5).unwrap_err(), 11);
    }

    #[test]
    fn the_end_of_a_selection_at_a_line_start_leaves_that_line_out() {
        assert_eq!(whole_lines("a\nb\nc\n", range(0, 2)), range(0, 2));
        assert_eq!(whole_lines("a\nb\nc\n", range(2, 2)), range(2, 4));
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fence_for("no ticks"), "```");
        assert_eq!(fence_for("a ```` b"), "`````");
    }
}
