//! Chats listed, searched and exported: read off the loop, answered as plain values.

use std::fmt::Write as _;

use pleach_agent::chat::{folders, is_chat};
use pleach_plan::chat::{Chat, Speaker};
use pleach_policy::visible;
use pleach_workspace::WorkspaceSnapshot;
use serde::Deserialize;
use serde_json::{Value, json};
use tower_lsp::jsonrpc::Error;

use super::{ChatArguments, ChatEvent};
use crate::event::{Event, Reply};
use crate::session::Session;
use crate::session::arguments::{Given, no_number};
use crate::session::commands::CommandFailure;

/// Places of an answer.
const MOST: usize = 200;
/// Characters of a line that are shown.
const SHOWN: usize = 120;

/// A way to look at chats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChatLook {
    /// Which there are.
    List,
    /// Where something was said.
    Search,
    /// One, as messages.
    Export,
}

impl ChatLook {
    pub(crate) const ALL: [Self; 3] = [Self::List, Self::Search, Self::Export];

    /// The command's name as editors send it.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::List => "pleach.chat.list",
            Self::Search => "pleach.chat.search",
            Self::Export => "pleach.chat.export",
        }
    }

    pub(crate) fn from_command(command: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.command() == command)
    }
}

/// What is searched for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    query: String,
}

/// What was found, on its way to the client.
pub(crate) struct Looked {
    reply: Reply<Value>,
    found: Result<Found, CommandFailure>,
}

struct Found {
    answer: Value,
    /// The same as a page, for editors that show no answers. What it repeats of chats is made visible: it may
    /// have been written to look like something else.
    page: String,
    name: &'static str,
}

impl Session {
    /// Looks at chats, off the loop.
    pub(in crate::session) fn look_at_chats(
        &mut self,
        look: ChatLook,
        arguments: Vec<Value>,
        reply: Reply<Value>,
    ) {
        let asked = match self.asked_of_chats(look, arguments) {
            Ok(asked) => asked,
            Err(failure) => return self.refuse(&failure, reply),
        };
        let snapshot = self.snapshot();
        let work = move || match look {
            ChatLook::List => Ok(list(&snapshot)),
            ChatLook::Search => Ok(search(&asked, &snapshot)),
            ChatLook::Export => export(&asked, &snapshot),
        };
        let inbox = self.inbox.clone();
        drop(self.tasks.spawn(async move {
            match tokio::task::spawn_blocking(work).await {
                Ok(found) => {
                    let looked = Box::new(Looked { reply, found });
                    inbox.put(Event::Chat(ChatEvent::Looked(looked)));
                }
                Err(panic) => {
                    tracing::error!(%panic, "looking at the chats was given up");
                    reply.send(Err(Error::internal_error()));
                }
            }
        }));
    }

    /// The words, or the path, that are asked for.
    fn asked_of_chats(
        &self,
        look: ChatLook,
        arguments: Vec<Value>,
    ) -> Result<String, CommandFailure> {
        let unreadable = |cause| CommandFailure::Arguments {
            command: look.command().to_owned(),
            cause,
        };
        match look {
            ChatLook::List => Ok(String::new()),
            ChatLook::Search => {
                let words = |query| Ok(Wanted { query });
                let wanted: Wanted = Given::of(arguments)
                    .read(words, no_number)
                    .map_err(unreadable)?;
                let query = wanted.query.trim().to_lowercase();
                if query.is_empty() {
                    return Err(CommandFailure::NoQuery);
                }
                Ok(query)
            }
            ChatLook::Export => {
                let arguments = ChatArguments::of_path(arguments).map_err(unreadable)?;
                self.chat_meant(&arguments).map(|(_, path)| path)
            }
        }
    }

    pub(super) fn looked_at_chats(&mut self, looked: Looked) {
        let Looked { reply, found } = looked;
        match found {
            Ok(found) => {
                reply.send(Ok(found.answer));
                if !self.client.job_events {
                    let page = found.page;
                    self.show_page("the chats", found.name, move || Ok(page));
                }
            }
            Err(failure) => self.refuse(&failure, reply),
        }
    }
}

/// The chats of the workspace with their texts, by their names.
fn chats(workspace: &WorkspaceSnapshot) -> Vec<(String, String)> {
    let folders = folders(workspace);
    let files = folders.iter().flat_map(|folder| workspace.files_of(folder));
    let open = workspace.open_documents().map(|(name, _)| name);
    let mut names: Vec<String> = files.chain(open).collect();
    names.retain(|name| is_chat(name));
    names.sort();
    names.dedup();
    let read = |name: String| {
        let text = workspace.read_text(&name).ok()?;
        Some((name, text.to_string()))
    };
    names.into_iter().filter_map(read).collect()
}

fn list(workspace: &WorkspaceSnapshot) -> Found {
    let mut page = "# Chats\n\n".to_owned();
    let mut answer = Vec::new();
    for (path, text) in chats(workspace) {
        let chat = Chat::parse(&text);
        let of = |who: Speaker| {
            let turns = chat.turns().iter().filter(|turn| turn.speaker == who);
            turns
                .filter(|turn| !chat.text_of(turn).trim().is_empty())
                .count()
        };
        let (asked, answered) = (of(Speaker::You), of(Speaker::Pleach));
        let title = chat.title().unwrap_or_default();
        // Writing to a string does not fail.
        let _ = writeln!(
            page,
            "- {path}: {title} ({asked} asked, {answered} answered)"
        );
        answer.push(json!({
            "path": path, "uri": workspace.uri_to_read(&path).ok(), "title": title,
            "questions": asked, "answers": answered, "waits": chat.question().is_some(),
            "bytes": text.len(),
        }));
    }
    if answer.is_empty() {
        page.push_str("None. `pleach.chat.new` begins one.\n");
    }
    Found {
        answer: Value::Array(answer),
        page: visible(&page).into_owned(),
        name: "chats.md",
    }
}

fn search(query: &str, workspace: &WorkspaceSnapshot) -> Found {
    let words: Vec<&str> = query.split_whitespace().collect();
    let mut page = format!("# Said in chats: `{}`\n\n", query.replace('`', "'"));
    let mut answer = Vec::new();
    let mut is_complete = true;
    'chats: for (path, text) in chats(workspace) {
        let chat = Chat::parse(&text);
        let uri = workspace.uri_to_read(&path).ok();
        let mut at = 0;
        for (number, line) in text.split_inclusive('\n').enumerate() {
            let start = at;
            at += line.len();
            let lower = line.to_lowercase();
            if !words.iter().all(|word| lower.contains(word)) {
                continue;
            }
            if answer.len() >= MOST {
                is_complete = false;
                let _ = writeln!(
                    page,
                    "\nThere are more. More words may find the right ones."
                );
                break 'chats;
            }
            let who = match chat.turn_at(start).map(|turn| turn.speaker) {
                Some(Speaker::Pleach) => "Pleach",
                _ => "You",
            };
            let preview: String = line.trim().chars().take(SHOWN).collect();
            let place = json!({"line": number, "character": 0});
            let _ = writeln!(page, "- {path}:{}: {who}: {preview}", number + 1);
            answer.push(json!({
                "path": path, "uri": uri, "line": number + 1, "speaker": who, "preview": preview,
                "range": {"start": place, "end": place},
            }));
        }
    }
    if answer.is_empty() {
        page.push_str("Nothing. Fewer or other words may find more.\n");
    }
    Found {
        answer: json!({"places": answer, "complete": is_complete}),
        page: visible(&page).into_owned(),
        name: "chat-search.md",
    }
}

fn export(path: &str, workspace: &WorkspaceSnapshot) -> Result<Found, CommandFailure> {
    let text = workspace.read_text(path);
    let text = text.map_err(|_unreadable| CommandFailure::NoChat)?;
    let chat = Chat::parse(&text);
    let turns = chat.turns().iter();
    let messages: Vec<Value> = turns
        .filter(|turn| !chat.text_of(turn).trim().is_empty())
        .map(|turn| {
            let role = match turn.speaker {
                Speaker::You => "user",
                Speaker::Pleach => "assistant",
            };
            json!({"role": role, "content": chat.text_of(turn).trim()})
        })
        .collect();
    let answer = json!({"path": path, "title": chat.title(), "messages": messages});
    Ok(Found {
        page: format!("{answer:#}\n"),
        answer,
        name: "chat-export.json",
    })
}
