//! Chats: a question of a document in `.pleach/chats`, with what was said before and the files that it
//! mentions, put to a model.
//!
//! The document itself (whose turn is which, what is mentioned, where the answer goes) is the room below:
//! [`pleach_plan::chat`]. Here a chat meets the workspace.

use std::fmt::Write as _;
use std::sync::Arc;

use pleach_grammars::{Language, outline, parse};
use pleach_model::{Message, likely_tokens};
use pleach_plan::chat::{Chat, FOLDER, Mention, Speaker, Turn, edit_blocks, mentions};
use pleach_plan::slug;
use pleach_policy::Secrets;
use pleach_text::{ByteOffset, ByteRange, line_column};
use pleach_workspace::WorkspaceSnapshot;

use crate::action::Action;
use crate::context::{Piece, Shape};
use crate::failure::JobFailure;
use crate::index::container_of;
use crate::job::JobRequest;
use crate::prompt::{Orders, Prompt};
use crate::roles::{Roster, fence_for};
use crate::shield::Shield;

/// How many chats may have one title.
const MOST_OF_A_NAME: u32 = 1000;

/// Why a chat does not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatFailure {
    /// It cannot be read.
    #[error("the chat {path} cannot be read: {why}")]
    Unreadable {
        /// The chat.
        path: String,
        /// Why.
        why: String,
    },
    /// Nothing is asked.
    #[error("the chat ends with no question")]
    NoQuestion,
    /// Something in it has no end, so that nobody can say where a turn ends.
    #[error("the code block or comment that begins in line {0} of the chat is not closed")]
    Unclosed(usize),
    /// A mention names no file.
    #[error("`@{path}` cannot be shown to a model: {why}")]
    UnknownFile {
        /// As it is written.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A mention names no symbol of its file, or several.
    #[error("`@{path}#{symbol}`: {why}")]
    UnknownSymbol {
        /// The file.
        path: String,
        /// The symbol.
        symbol: String,
        /// What is wrong with it.
        why: String,
    },
    /// The question, with what it mentions, is more than may be sent.
    #[error(
        "the question and what it mentions are {bytes} bytes long, more than max_context_bytes ({limit}) allows to be sent"
    )]
    TooLarge {
        /// Bytes that would have been sent.
        bytes: usize,
        /// The limit in force.
        limit: usize,
    },
    /// There is a chat of that name, many times.
    #[error("there are too many chats of that name")]
    TooManyOfAName,
}

impl ChatFailure {
    /// A short, stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable-chat",
            Self::NoQuestion => "no-question",
            Self::Unclosed(_) => "unclosed",
            Self::UnknownFile { .. } => "unknown-file",
            Self::UnknownSymbol { .. } => "unknown-symbol",
            Self::TooLarge { .. } => "too-large",
            Self::TooManyOfAName => "too-many-chats",
        }
    }

    /// What the person can do next.
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "give the path of a chat in .pleach/chats",
            Self::NoQuestion => "write it under the last `## You`",
            Self::Unclosed(_) => "close it, so that it is clear where your question ends",
            Self::UnknownFile { .. } => {
                "correct the path, or write it in backticks if no file is meant"
            }
            Self::UnknownSymbol { .. } => {
                "correct the name, say `Type::name` where there are several, or mention the whole file"
            }
            Self::TooLarge { .. } => {
                "mention symbols (`@path#symbol`) in place of whole files, or raise [limits] max_context_bytes in pleach.toml"
            }
            Self::TooManyOfAName => "give another title",
        }
    }
}

/// Whether a path of the workspace is that of a chat.
pub fn is_chat(path: &str) -> bool {
    path.strip_suffix(".md")
        .and_then(|stem| stem.rsplit_once('/'))
        .is_some_and(|(folder, _)| folder == FOLDER || folder.ends_with(&format!("/{FOLDER}")))
}

/// The folders that chats lie in, as the workspace names them.
pub fn folders(workspace: &WorkspaceSnapshot) -> Vec<String> {
    let names = workspace.root_names();
    if names.is_empty() {
        return vec![FOLDER.to_owned()];
    }
    let folder = |root: &str| format!("{root}/{FOLDER}");
    names.into_iter().map(folder).collect()
}

/// A path for a new chat, which no file has yet. Asks the disk.
///
/// # Errors
///
/// Where too many have the name.
pub fn new_path(title: &str, workspace: &WorkspaceSnapshot) -> Result<String, ChatFailure> {
    let stem = match slug(title).as_str() {
        // What the slug of nothing is.
        "plan" if !title.to_lowercase().contains("plan") => "chat".to_owned(),
        stem => stem.to_owned(),
    };
    // Of several folders the first keeps them.
    let folder = folders(workspace).into_iter().next().unwrap_or_default();
    (1..=MOST_OF_A_NAME)
        .map(|number| match number {
            1 => format!("{folder}/{stem}.md"),
            _ => format!("{folder}/{stem}-{number}.md"),
        })
        .find(|path| !workspace.exists(path))
        .ok_or(ChatFailure::TooManyOfAName)
}

/// The request with the chat in it: of a chat that is not open only the path is known when it is asked for.
/// Asks the disk.
pub(crate) fn read(request: &JobRequest) -> Result<JobRequest, ChatFailure> {
    let mut request = request.clone();
    let path = &request.document.path;
    if request.document.text.is_empty() {
        let text = request.workspace.read_text(path);
        request.document.text = text.map_err(|error| ChatFailure::Unreadable {
            path: path.clone(),
            why: error.to_string(),
        })?;
        request.document.language = Some(Language::Markdown);
    }
    let chat = Chat::parse(&request.document.text);
    if let Some(line) = chat.unclosed() {
        return Err(ChatFailure::Unclosed(line));
    }
    let question = chat.question().ok_or(ChatFailure::NoQuestion)?;
    request.range = question.body;
    // What it names leads to what else is shown.
    request.instruction = Some(chat.text_of(question).trim().to_owned());
    Ok(request)
}

/// What a mention leads to.
struct Mentioned {
    text: String,
    piece: Piece,
    language: &'static str,
}

/// What a model is told for the question of a chat. Asks the disk.
pub(crate) fn prompt(
    request: &JobRequest,
    roster: &Roster,
    limit: usize,
) -> Result<Prompt, JobFailure> {
    let text = &request.document.text;
    let chat = Chat::parse(text);
    let asked = chat.question().ok_or(ChatFailure::NoQuestion)?;
    let question = chat.text_of(asked).trim();
    let (shown, mut notes) = shown_for(request, &chat, asked)?;
    let mut secrets = Secrets::default();
    let mut files = String::new();
    for it in &shown {
        let Piece {
            path, first, last, ..
        } = &it.piece;
        let shown = secrets.hide(Some(path), &it.text);
        let fence = fence_for(&shown);
        // Writing to a string does not fail.
        let _ = write!(
            files,
            "{path}, lines {first} to {last}:\n{fence}{}\n{}\n{fence}\n\n",
            it.language,
            shown.trim_end()
        );
    }
    let answers = chat.turns().iter();
    let answers = answers.filter(|turn| turn.speaker == Speaker::Pleach);
    for block in answers.flat_map(|turn| edit_blocks(chat.text_of(turn))) {
        // What is a secret in the file of an edit is one wherever it stands.
        let _known_now = secrets.hide(block.path.as_deref(), &block.reply);
    }
    let bytes = files.len() + question.len();
    let room = limit
        .checked_sub(bytes)
        .ok_or(ChatFailure::TooLarge { bytes, limit })?;
    let preamble = chat.preamble();
    let preamble = secrets.hide(Some(&request.document.path), &preamble);
    let (preamble, room) = if let Some(rest) = room.checked_sub(preamble.len()) {
        (preamble, rest)
    } else {
        notes.push(format!(
            "the notes at the beginning of the chat are left out, for max_context_bytes ({limit})"
        ));
        ("".into(), room)
    };
    let (earlier, left_out) = earlier(&chat, asked.start.0, room);
    if left_out > 0 {
        let turns = if left_out == 1 { "turn" } else { "turns" };
        notes.push(format!(
            "the first {left_out} {turns} of the chat are left out, for max_context_bytes ({limit})"
        ));
    }
    // What is of files has its placeholders already.
    let mut user = String::new();
    let question = secrets.hide(Some(&request.document.path), question);
    if !preamble.is_empty() {
        let _ = write!(
            user,
            "What the person notes for the whole conversation:\n{preamble}\n\n"
        );
    }
    if left_out > 0 {
        user.push_str("The beginning of this conversation is left out here, for want of room.\n\n");
    }
    let told = if files.is_empty() {
        String::new()
    } else {
        format!("What is mentioned, as it is now:\n\n{files}The question:\n")
    };
    let _ = write!(user, "{told}{question}");
    let chat_path = &request.document.path;
    let paths = shown.iter().map(|it| &it.piece.path);
    let paths = std::iter::once(chat_path).chain(paths);
    let orders = Orders::of(request, roster, "", "software", paths)?;
    let total = text.lines().count();
    let first = line_column(text, asked.body.start).0.number();
    let earlier = hidden(&earlier, &mut secrets);
    Ok(Prompt {
        earlier,
        mentioned: shown.into_iter().map(|it| it.piece).collect(),
        notes,
        ..orders.into_prompt(user, (first, total, total), secrets)
    })
}

/// What the mentions of a chat lead to, each once, and what those of earlier turns lead to no more. Asks the
/// disk.
fn shown_for(
    request: &JobRequest,
    chat: &Chat<'_>,
    asked: &Turn,
) -> Result<(Vec<Mentioned>, Vec<String>), JobFailure> {
    let shield = Shield::of(&request.workspace);
    let mut shown: Vec<Mentioned> = Vec::new();
    let mut notes = Vec::new();
    for (turn, is_last) in chat.turns().iter().map(|turn| (turn, turn == asked)) {
        if turn.speaker != Speaker::You {
            continue;
        }
        for mention in mentions(chat.text_of(turn)) {
            let found = match mentioned(&mention, &request.workspace, &shield) {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(failure) if is_last => return Err(failure),
                // The file may have gone since it was talked about.
                Err(failure) => {
                    notes.push(failure.to_string());
                    continue;
                }
            };
            if !shown.iter().any(|it| it.piece == found.piece) {
                shown.push(found);
            }
        }
    }
    Ok((shown, notes))
}

/// What was said before, as far as `room` bytes hold it, the latest first to be kept; and how many turns are
/// left out. Begins with the person.
fn earlier(chat: &Chat<'_>, end: usize, room: usize) -> (Vec<Message>, usize) {
    let before = chat.turns().iter().filter(|turn| turn.start.0 < end);
    let said: Vec<(Speaker, &str)> = before
        .map(|turn| (turn.speaker, chat.text_of(turn).trim()))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    let mut left = room;
    let fits = |(_, text): &&(Speaker, &str)| match left.checked_sub(text.len()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    let mut kept = said.iter().rev().take_while(fits).count();
    while kept > 0
        && said
            .get(said.len() - kept)
            .is_some_and(|(who, _)| *who == Speaker::Pleach)
    {
        kept -= 1;
    }
    let left_out = said.len() - kept;
    let mut messages: Vec<(Speaker, String)> = Vec::new();
    for (who, text) in said.into_iter().skip(left_out) {
        match messages.last_mut() {
            // Who speaks twice says it at once: providers want turns.
            Some((last, said)) if *last == who => {
                said.push_str("\n\n");
                said.push_str(text);
            }
            _ => messages.push((who, text.to_owned())),
        }
    }
    let messages = messages.into_iter().map(|(who, text)| match who {
        Speaker::You => Message::user(text),
        Speaker::Pleach => Message::assistant(text),
    });
    (messages.collect(), left_out)
}

/// What a mention leads to; `None` where it need not be one. Asks the disk.
fn mentioned(
    mention: &Mention,
    workspace: &WorkspaceSnapshot,
    shield: &Shield<'_>,
) -> Result<Option<Mentioned>, JobFailure> {
    let path = &mention.path;
    if let Some(why) = shield.kept_back(path) {
        return Err(JobFailure::Withheld {
            path: path.clone(),
            why,
        });
    }
    let file = match workspace.read(path) {
        Ok(file) => file,
        Err(_) if !mention.is_sure && Language::from_path(path).is_none() => return Ok(None),
        Err(error) => {
            return Err(ChatFailure::UnknownFile {
                path: path.clone(),
                why: error.to_string(),
            }
            .into());
        }
    };
    // It may be called otherwise in the workspace than it was written.
    if let Some(why) = shield.keeps_text_of(&file.name) {
        return Err(JobFailure::Withheld {
            path: file.name,
            why,
        });
    }
    let text: Arc<str> = file.text.to_string().into();
    let language = Language::from_path(&file.name);
    let range = match &mention.symbol {
        None => ByteRange::from(0..text.len()),
        Some(symbol) => symbol_in(&text, language, path, symbol)?,
    };
    let part = text.get(range.as_usize()).unwrap_or_default().to_owned();
    let number = |at: usize| line_column(&text, ByteOffset(at)).0.number();
    let reason = match &mention.symbol {
        Some(symbol) => format!("`@{path}#{symbol}` is mentioned"),
        None => format!("`@{path}` is mentioned"),
    };
    let piece = Piece {
        path: file.name,
        first: number(range.start.0),
        last: number(range.end.0.saturating_sub(1).max(range.start.0)),
        name: mention.symbol.clone().unwrap_or_default(),
        shape: Shape::Body,
        tokens: likely_tokens(&part),
        reason,
    };
    Ok(Some(Mentioned {
        text: part,
        piece,
        language: language.map_or("", Language::id),
    }))
}

/// The lines of the one symbol of a file that has this name.
fn symbol_in(
    text: &str,
    language: Option<Language>,
    path: &str,
    name: &str,
) -> Result<ByteRange, ChatFailure> {
    let unknown = |why: String| ChatFailure::UnknownSymbol {
        path: path.to_owned(),
        symbol: name.to_owned(),
        why,
    };
    let Some(language) = language else {
        return Err(unknown(
            "nothing is known of symbols in such a file".to_owned(),
        ));
    };
    let symbols = outline(&parse(language, text), text);
    let parts: Vec<&str> = name.split([':', '.']).filter(|it| !it.is_empty()).collect();
    let (wanted, of) = match parts.split_last() {
        Some((last, rest)) => (*last, rest.last().copied()),
        None => (name, None),
    };
    let found: Vec<_> = symbols
        .iter()
        .filter(|symbol| symbol.name == name || symbol.name == wanted)
        .filter(|symbol| {
            let container = container_of(&symbols, symbol);
            symbol.name == name || of.is_none_or(|of| container == of)
        })
        .collect();
    match found.as_slice() {
        [one] => {
            let whole = one.doc.map_or(one.range, |doc| doc.cover(one.range));
            let before = text.get(..whole.start.0).unwrap_or_default();
            let start = before.rfind('\n').map_or(0, |at| at + 1);
            Ok(ByteRange::from(start..whole.end.0))
        }
        [] => Err(unknown(format!("{path} has no such symbol"))),
        several => {
            let lines = several
                .iter()
                .take(5)
                .map(|symbol| line_column(text, symbol.range.start).0.number().to_string());
            let lines: Vec<String> = lines.collect();
            Err(unknown(format!(
                "there are {} of that name, in lines {}",
                several.len(),
                lines.join(", ")
            )))
        }
    }
}

/// What was said before, as it may be sent.
fn hidden(earlier: &[Message], secrets: &mut Secrets) -> Vec<Message> {
    let sent = earlier.iter().map(|message| Message {
        text: secrets.hide(None, &message.text).into_owned(),
        ..message.clone()
    });
    sent.collect()
}

/// An answer as it came, with the `secrets` back in what can be landed of it. Elsewhere their placeholders
/// stay: what stands in a chat goes along with the next question.
pub(crate) fn with_secrets_in_edits(answer: &str, secrets: &Secrets) -> String {
    let mut text = String::with_capacity(answer.len());
    let mut behind = 0;
    for block in edit_blocks(answer) {
        let range = block.range.as_usize();
        text.push_str(answer.get(behind..range.start).unwrap_or_default());
        behind = range.end;
        text.push_str(&secrets.restore(answer.get(range).unwrap_or_default()));
    }
    text.push_str(answer.get(behind..).unwrap_or_default());
    text
}

/// Whether a request is about a chat.
pub(crate) fn is_of(request: &JobRequest) -> bool {
    request.action == Action::Chat && request.reply.is_none()
}

#[cfg(test)]
mod tests {
    use pleach_policy::PathRules;

    use super::*;

    #[test]
    fn chats_lie_in_every_folder_also_where_two_have_one_name() {
        let workspace = |roots: &[&str]| {
            let roots: Vec<_> = roots.iter().map(|root| (*root).into()).collect();
            WorkspaceSnapshot::new(&roots, [], PathRules::default())
        };
        assert_eq!(folders(&workspace(&["/a/app"])), [".pleach/chats"]);
        assert_eq!(
            folders(&workspace(&["/a/app", "/b/app"])),
            ["app/.pleach/chats", "app-2/.pleach/chats"]
        );
    }

    #[test]
    fn only_edits_have_their_secrets_back() {
        let mut secrets = Secrets::default();
        let key = "key = 'ghp_4nV8sT2kQ9xZ7mB1cR5wY3pL6dF0hJaGeUiO'";
        let hidden = secrets.hide(None, key).into_owned();
        let block =
            |line: &str| format!("a.py\n<<<<<<< SEARCH\n{line}\n=======\n>>>>>>> REPLACE\n");
        let answer = format!("It is {hidden}.\n\n{}And {hidden}.\n", block(&hidden));
        assert_eq!(
            with_secrets_in_edits(&answer, &secrets),
            format!("It is {hidden}.\n\n{}And {hidden}.\n", block(key))
        );
    }
}
