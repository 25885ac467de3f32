//! What a model is shown beside the document: pieces of the workspace that may matter to a place, within a
//! budget of tokens, each with the reason why it is in.
//!
//! The index says where to look; the texts are those of the snapshot, so that nothing stale is sent. Every
//! piece takes the way of all texts that leave: `.pleachignore` and denied names keep files back, and
//! secrets have placeholders. The pieces stand in the order of their files, so that the same pack is
//! the same text, and a provider's cache finds it again.

mod fit;
mod gather;
mod manifest;
mod place;
mod rank;
mod sources;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use pleach_grammars::{Symbol, symbol_at};
use pleach_model::{Message, likely_tokens};
use pleach_policy::Secrets;
use pleach_text::ByteOffset;
use tokio::sync::oneshot;

pub use self::fit::Shape;
use self::fit::{Cost, fit};
use self::gather::{Candidate, gather, says_much};
pub use self::manifest::{Manifest, Piece, sent_page};
use self::place::Place;
use self::sources::{Source, Sources};
use crate::call::aside;
use crate::failure::JobFailure;
use crate::index::{Index, container_of};
use crate::job::JobRequest;
use crate::prompt::Prompt;
use crate::review::Scope;
use crate::roles::fence_for;

/// A pack has a piece for each so many tokens at most: of more, mostly names would be shown.
const EACH: u32 = 60;
/// But it has some, however small the budget is.
const FEWEST: usize = 8;
/// Lines of a body that are shown; of a longer one there is its signature, and the lines it is shown for.
const LONGEST_BODY: usize = 120;
/// Tokens of what stands around a piece: its file, its lines.
const FRAME: u64 = 14;

/// What is shown of the workspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pack {
    /// As the model reads it; empty when there is nothing. Without secrets.
    pub(crate) text: String,
    /// What is in it, and why.
    pub(crate) manifest: Manifest,
}

/// Gathers a pack of at most `budget` tokens. `shown` are the first and the last line of the document that
/// the model is shown, from 1. Asks the disk.
pub(crate) fn pack(
    request: &JobRequest,
    index: Option<&Index>,
    budget: u32,
    shown: (usize, usize),
    secrets: &mut Secrets,
) -> Pack {
    let mut manifest = Manifest {
        budget,
        ..Manifest::default()
    };
    let Some(index) = index.filter(|_| budget > 0) else {
        manifest.index = if budget == 0 {
            "not asked".to_owned()
        } else {
            "there is none".to_owned()
        };
        return Pack {
            text: String::new(),
            manifest,
        };
    };
    manifest.index = index.state().words();
    let Some(mut reader) = index.reader() else {
        return Pack {
            text: String::new(),
            manifest,
        };
    };
    let place = Place::of(request);
    let mut sources = Sources::new(&request.workspace);
    let asked = request.instruction.as_deref().unwrap_or_default();
    let meant = index.meaning().map(|meaning| meaning.meant(asked));
    let meant = meant.unwrap_or_default();
    let gathered = gather(request, &place, shown, &meant, &mut reader, &mut sources);
    let candidates = gathered.unwrap_or_else(|error| {
        manifest.index = error.to_string();
        Vec::new()
    });
    let most = usize::try_from(budget / EACH)
        .unwrap_or(usize::MAX)
        .max(FEWEST);
    let mut drafts: Vec<Draft> = Vec::new();
    for candidate in candidates {
        if drafts.len() >= most {
            break;
        }
        let Some(source) = sources.get(&candidate.file) else {
            continue;
        };
        let Some(draft) = Draft::of(&candidate, &source) else {
            continue;
        };
        // What is shown in the document, or known already, is not shown twice.
        let is_shown = draft.file == place.path && draft.first >= shown.0 && draft.last <= shown.1;
        let is_known = drafts
            .iter()
            .any(|it| it.file == draft.file && it.is_same_place(&draft));
        if !is_shown && !is_known {
            // Before its cost is known: a placeholder has another length.
            drafts.push(draft.without_secrets(secrets));
        }
    }
    manifest.kept_back.clone_from(&sources.kept_back);
    let costs: Vec<Cost> = drafts.iter().map(Draft::cost).collect();
    let head = likely_tokens(HEAD);
    let shapes = fit(&costs, u64::from(budget).saturating_sub(head));
    manifest.left_out = shapes.iter().filter(|shape| shape.is_none()).count();
    let mut pieces: Vec<(Draft, Shape)> = drafts
        .into_iter()
        .zip(shapes)
        .filter_map(|(draft, shape)| Some((draft, shape?)))
        .collect();
    pieces.sort_by(|(a, _), (b, _)| (&a.file, a.first).cmp(&(&b.file, b.first)));
    let text = render(&pieces);
    manifest.tokens = likely_tokens(&text);
    manifest.pieces = pieces
        .into_iter()
        .map(|(draft, shape)| draft.into_piece(shape))
        .collect();
    Pack { text, manifest }
}

/// How long a job waits at most for the index to take up what has changed.
pub(crate) const FRESH_WITHIN: Duration = Duration::from_secs(3);

/// The first request of a job, as it may be sent, and what it is made of.
pub(crate) struct Assembled {
    pub(crate) question: String,
    pub(crate) system: String,
    /// What was said before the question.
    pub(crate) earlier: Vec<Message>,
    pub(crate) manifest: Manifest,
    /// What was hidden in it.
    pub(crate) secrets: Secrets,
}

impl Assembled {
    /// What the model is sent, in its order.
    pub(crate) fn messages(&self) -> Vec<Message> {
        let mut messages = self.earlier.clone();
        messages.push(Message::user(self.question.clone()));
        messages
    }
}

/// The first request of a job, once the index has taken up what has changed, or has had its time.
pub(crate) async fn assembled(
    request: &Arc<JobRequest>,
    prompt: Prompt,
    index: Option<Index>,
    budget: u32,
) -> Result<Assembled, JobFailure> {
    // Changes of many files are about no one place.
    let index = index.filter(|_| budget > 0 && request.scope != Scope::Changes);
    if let Some(index) = &index {
        let (told, done) = oneshot::channel();
        index.refresh(request.workspace.clone(), FRESH_WITHIN, move || {
            let _cancelled = told.send(()).is_err();
        });
        let _in_time = tokio::time::timeout(FRESH_WITHIN, done).await;
        let asked = request.instruction.as_deref().filter(|it| says_much(it));
        if let (Some(meaning), Some(asked)) = (index.meaning(), asked) {
            let _or_words_alone = meaning.question(asked).await;
        }
    }
    let asked = Arc::clone(request);
    aside("looking for what lies elsewhere", move || {
        assemble(&asked, prompt, index.as_ref(), budget)
    })
    .await
}

/// Puts what lies elsewhere before a prompt: what comes first changes least, so a provider's cache finds it
/// again. Asks the disk.
pub(crate) fn assemble(
    request: &JobRequest,
    prompt: Prompt,
    index: Option<&Index>,
    budget: u32,
) -> Assembled {
    let Prompt {
        system,
        user,
        lines,
        rules,
        mut secrets,
        earlier,
        mentioned,
        notes,
    } = prompt;
    let is_of_changes = request.scope == Scope::Changes;
    let budget = if is_of_changes { 0 } else { budget };
    let (first, last, _) = lines;
    let Pack { text, mut manifest } = pack(request, index, budget, (first, last), &mut secrets);
    let question = if text.is_empty() {
        user
    } else {
        format!("{text}\n{user}")
    };
    if !is_of_changes {
        manifest.document.clone_from(&request.document.path);
    }
    manifest.lines = lines;
    manifest.diagnostics = request.diagnostics.len();
    manifest.rules = rules;
    manifest.secrets = secrets.count();
    manifest.mentioned = mentioned;
    manifest.notes = notes;
    let before: u64 = earlier.iter().map(|it| likely_tokens(&it.text)).sum();
    manifest.request_tokens = before + likely_tokens(&question) + likely_tokens(&system);
    Assembled {
        question,
        system,
        earlier,
        manifest,
        secrets,
    }
}

/// What the model is told before the pieces.
const HEAD: &str = "From elsewhere in the workspace, what this may have to do with. It is there to be read; \
     a signature or a name stands for more, which is not shown.\n";

/// A piece in every shape.
#[derive(Debug, Clone)]
struct Draft {
    file: String,
    name: String,
    reason: String,
    /// Its lines, from 1.
    first: usize,
    last: usize,
    name_text: String,
    signature: String,
    body: String,
    /// What the file is called in a fence.
    kind: &'static str,
}

impl Draft {
    /// The piece that a candidate stands for, as the file is now; `None` when it is no longer there.
    fn of(candidate: &Candidate, source: &Source) -> Option<Self> {
        let kind = source.language.map_or("", pleach_grammars::Language::id);
        let text: &str = &source.text;
        let symbol = symbol_of(candidate, source)?;
        let whole = symbol
            .doc
            .map_or(symbol.range, |doc| doc.cover(symbol.range));
        let number = |at: usize| source.lines.number(at);
        let (first, last) = (number(whole.start.0), number(whole.end.0.saturating_sub(1)));
        let container = container_of(&source.symbols, symbol);
        let of = if container.is_empty() {
            String::new()
        } else {
            format!(" of {container}")
        };
        let at = number(symbol.name_range.start.0);
        let name_text = format!("{}: {} `{}`{of}", at, symbol.kind.name(), symbol.name);
        let mut signature = format!("{at}: {}{of}", one_line(symbol.signature(text)));
        for line in &candidate.lines {
            if let Some(called) = text.lines().nth(line.saturating_sub(1)) {
                let _ = write!(signature, "\n{line}: {}", called.trim());
            }
        }
        let body = text.get(whole.as_usize())?;
        let body = if body.lines().count() > LONGEST_BODY {
            signature.clone()
        } else {
            with_first_indent(text, whole.start.0, body)
        };
        Some(Self {
            file: candidate.file.clone(),
            name: symbol.name.clone(),
            reason: candidate.reason.clone(),
            first,
            last,
            name_text,
            signature,
            body,
            kind,
        })
    }

    /// The same with placeholders for secrets, in whatever may be sent of it. It is all of a definition, so
    /// no secret is cut in half.
    fn without_secrets(mut self, secrets: &mut Secrets) -> Self {
        let path = Some(self.file.as_str());
        let body = secrets.hide(path, &self.body).into_owned();
        let signature = secrets.hide(path, &self.signature).into_owned();
        let name_text = secrets.hide(path, &self.name_text).into_owned();
        self.body = body;
        self.signature = signature;
        self.name_text = name_text;
        self
    }

    fn is_same_place(&self, other: &Self) -> bool {
        // A type in whose body a method is wanted: both have their reason, unless they are the same.
        self.first == other.first && self.last == other.last
    }

    fn cost(&self) -> Cost {
        let name = likely_tokens(&self.name_text) + FRAME;
        let signature = (likely_tokens(&self.signature) + FRAME).max(name);
        let body = (likely_tokens(&self.body) + FRAME).max(signature);
        Cost {
            name,
            signature,
            body,
        }
    }

    fn into_piece(self, shape: Shape) -> Piece {
        Piece {
            tokens: self.cost().of(Some(shape)),
            path: self.file,
            first: self.first,
            last: self.last,
            name: self.name,
            reason: self.reason,
            shape,
        }
    }
}

/// The symbol that a candidate means: of those of its name the one that is nearest to its line.
fn symbol_of<'a>(candidate: &Candidate, source: &'a Source) -> Option<&'a Symbol> {
    let line = usize::try_from(candidate.line).unwrap_or(usize::MAX);
    if candidate.name.is_empty() {
        let starts =
            std::iter::once(0).chain(source.text.match_indices('\n').map(|(at, _)| at + 1));
        let start = starts.skip(line.saturating_sub(1)).min()?;
        let found = symbol_at(&source.symbols, ByteOffset(start))?;
        return Some(found).filter(|found| found.kind.is_callable());
    }
    let named = source
        .symbols
        .iter()
        .filter(|symbol| symbol.name == candidate.name);
    named.min_by_key(|symbol| {
        let number = source.lines.number(symbol.range.start.0);
        let last = source.lines.number(symbol.range.end.0);
        let is_same = container_of(&source.symbols, symbol) == candidate.container;
        let distance = if (number..=last).contains(&line) {
            0
        } else {
            number.abs_diff(line)
        };
        (!is_same, distance)
    })
}

/// A signature on one line.
fn one_line(signature: &str) -> String {
    signature.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A body with the indentation of its first line, which its range leaves out.
fn with_first_indent(text: &str, start: usize, body: &str) -> String {
    let before = text.get(..start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let indent = if line.trim().is_empty() { line } else { "" };
    format!("{indent}{body}")
}

/// The pack as the model reads it: file by file, whole pieces in fences, the others as lines.
fn render(pieces: &[(Draft, Shape)]) -> String {
    if pieces.is_empty() {
        return String::new();
    }
    let mut text = HEAD.to_owned();
    let mut file = "";
    for (draft, shape) in pieces {
        if draft.file != file {
            let _ = write!(text, "\nFile: {}\n", draft.file);
            file = &draft.file;
        }
        // Writing to a string does not fail.
        let _ = match shape {
            Shape::Name => writeln!(text, "{}", draft.name_text),
            Shape::Signature => writeln!(text, "{}", draft.signature),
            Shape::Body => {
                let fence = fence_for(&draft.body);
                let (first, last, kind) = (draft.first, draft.last, draft.kind);
                let body = draft.body.trim_end();
                writeln!(
                    text,
                    "lines {first} to {last}:\n{fence}{kind}\n{body}\n{fence}"
                )
            }
        };
    }
    text
}
