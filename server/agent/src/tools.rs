//! Tools: what a model may do by calling, besides answering.
//!
//! A [`ToolBox`] belongs to one job. It offers the tools of the job's role (the list in the role's file,
//! which the server holds to, whatever the model makes up), checks each call against the tool's JSON Schema, carries it out
//! within bounds, and answers always: what went wrong is a [`ToolError`], told to the model with its code.
//!
//! What a tool reads of a file is what may be sent of it: [`Ground`] is the only way to a text, and it hides
//! secrets and keeps back what is never sent.
//!
//! Nothing here changes a file. *Propose an edit* collects changes that passed the gate, for the person's
//! review; *run a command* runs in the sandbox, when the person allowed that command.

mod arguments;
mod command;
mod error;
mod ground;
mod look;
mod page;
mod propose;
mod read;
mod rounds;
mod talk;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use futures_util::future::join_all;
use pleach_edit::Proposal;
use pleach_exec::{Limits, Variables};
use pleach_model::{Tool, ToolCall, ToolResult};
use pleach_policy::{ProviderSettings, Role, Secrets, Settings, redact};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::action::Action;
use crate::chat;
use crate::index::Index;
use crate::job::JobRequest;
use crate::mcp::{McpServers, OfferedTool};
use crate::roles::{Gate, Roster};

pub(crate) use command::Commands;
pub use command::{Answer, Asker, Wish};
pub(crate) use error::ToolError;
pub(crate) use ground::Ground;
pub(crate) use talk::{Talk, Turn};

/// How long one tool may take. A command has a time of its own.
const WITHIN: Duration = Duration::from_secs(20);
/// Calls of one message that are carried out; the others are answered with an error.
const CALLS_AT_ONCE: usize = 16;

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ToolName {
    /// Reads lines of a file, of the open buffer where there is one.
    Read,
    /// Lists files.
    List,
    /// Searches files by a regular expression.
    Search,
    /// Lists what a file defines.
    Outline,
    /// Finds where a name is used and defined.
    References,
    /// Lists what is reported about a file.
    Diagnostics,
    /// Proposes an edit.
    ProposeEdit,
    /// Runs a command in the sandbox.
    RunCommand,
    /// All that the servers of the settings offer, each under a name of its own.
    Mcp,
}

impl ToolName {
    /// All of them, in the order in which models are told: it never changes, so that providers find the
    /// beginning of a request again.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::List,
        Self::Search,
        Self::Outline,
        Self::References,
        Self::Diagnostics,
        Self::ProposeEdit,
        Self::RunCommand,
        Self::Mcp,
    ];

    /// As a model calls it, and the file of a role names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read_file",
            Self::List => "list_files",
            Self::Search => "search",
            Self::Outline => "outline",
            Self::References => "references",
            Self::Diagnostics => "diagnostics",
            Self::ProposeEdit => "propose_edit",
            Self::RunCommand => "run_command",
            Self::Mcp => "mcp",
        }
    }

    /// Whether it only looks.
    pub fn only_reads(self) -> bool {
        !matches!(self, Self::ProposeEdit) && !self.acts()
    }

    /// Whether it does something at once, inside or outside the workspace.
    pub(crate) fn acts(self) -> bool {
        matches!(self, Self::RunCommand | Self::Mcp)
    }

    /// The tool that a model or a role calls so.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }
}

/// What a model is given to call.
#[derive(Clone)]
pub struct Kit {
    /// Whether any tool is offered: not every model knows how to call one.
    pub(crate) is_offered: bool,
    /// How commands are run; none is without.
    pub(crate) commands: Option<Commands>,
    /// Whose tools there are besides.
    pub(crate) servers: McpServers,
    /// Who there is.
    pub(crate) roster: Arc<Roster>,
    /// Where things are in the workspace.
    pub(crate) index: Option<Index>,
    /// Where copies of the workspace may lie, for tests of what has not landed.
    pub(crate) trials: Option<Utf8PathBuf>,
    /// Whether models may run commands themselves.
    pub(crate) models_run: bool,
}

/// The roles that come with Pleach, and no tools.
impl Default for Kit {
    fn default() -> Self {
        Self {
            is_offered: false,
            commands: None,
            servers: McpServers::default(),
            roster: Roster::built_in(),
            index: None,
            trials: None,
            models_run: true,
        }
    }
}

impl Kit {
    /// What the settings give to a planner, which only reads. It is offered unless they say that the model
    /// can call nothing: a plan of what nobody has read is worth little.
    pub fn of_planner(settings: &Settings, roster: Arc<Roster>) -> Self {
        let engine = settings.model_for(Role::Planner);
        let provider = engine.and_then(|name| settings.providers.get(name));
        Self {
            is_offered: provider.is_some_and(|provider| provider.tools != Some(false)),
            roster,
            ..Self::default()
        }
    }

    /// The same, with the index of the workspace.
    #[must_use]
    pub fn with_index(self, index: Option<Index>) -> Self {
        Self { index, ..self }
    }

    /// What the settings give where nobody can be asked: commands run if they allow them.
    pub fn unasked(
        action: Action,
        settings: &Settings,
        variables: &Variables,
        roster: Arc<Roster>,
    ) -> Self {
        let ask: Asker = Arc::new(|_| oneshot::channel().1);
        Self::of(action, settings, variables, roster, ask)
    }

    /// What the settings give for an action. `ask` asks the person about a command that they do not allow.
    pub fn of(
        action: Action,
        settings: &Settings,
        variables: &Variables,
        roster: Arc<Roster>,
        ask: Asker,
    ) -> Self {
        let engine = settings.model_for(action.plays());
        let provider = engine.and_then(|name| settings.providers.get(name));
        Self {
            is_offered: provider.is_some_and(ProviderSettings::has_tools),
            servers: McpServers::default(),
            roster,
            index: None,
            trials: None,
            models_run: true,
            commands: Some(Commands {
                settings: settings.commands.clone(),
                tests: settings.tests.clone(),
                ask,
                variables: Arc::clone(variables),
                limits: Limits::default(),
            }),
        }
    }
}

impl Kit {
    /// The same without commands that a model calls for: they would run where a change has not landed.
    pub(crate) fn without_own_commands(self) -> Self {
        Self {
            models_run: false,
            ..self
        }
    }

    /// The same, with tests that run before they land, in copies of the workspace below this folder.
    #[must_use]
    pub fn with_trials(self, folder: Utf8PathBuf) -> Self {
        let trials = Some(folder);
        Self { trials, ..self }
    }

    /// The same, with the tools of these servers.
    #[must_use]
    pub fn with_servers(mut self, servers: McpServers) -> Self {
        self.servers = servers;
        self
    }
}

/// The tools of a job: those of its role, as far as the kit has them.
pub(crate) fn toolbox(request: &JobRequest, kit: Kit) -> Option<ToolBox> {
    let role = kit.roster.role(request.role_name())?;
    let ground = Ground::new(
        request.workspace.clone(),
        request.document.path.clone(),
        &request.diagnostics,
    );
    // What a chat changes, the person lands.
    let is_chat = chat::is_of(request);
    // Servers' tools are not run where the workspace is.
    let may_run = |tool: &&ToolName| kit.models_run || **tool != ToolName::RunCommand;
    let tools = role.tools.iter().filter(may_run);
    let tools = tools.filter(|tool| !is_chat || tool.only_reads());
    let tools: Vec<ToolName> = tools.copied().collect();
    kit.is_offered
        .then(|| ToolBox::new(&tools, role.gate, ground, kit.commands).with(kit.servers))
}

/// What was called and what came of it, for the audit. Without texts of files.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ToolRecord {
    /// The tool as the model called it.
    tool: String,
    /// What it was called for, in a few words: a path, a pattern, a command line.
    about: String,
    /// The code of the error; `None` when it went well.
    error: Option<&'static str>,
    /// Bytes that went back to the model.
    bytes: usize,
    /// How long it took.
    took: Duration,
}

/// The tools of one job.
pub(crate) struct ToolBox {
    ground: Ground,
    offered: Vec<ToolName>,
    commands: Option<Commands>,
    servers: McpServers,
    /// What the servers offer, once they were asked.
    of_servers: Vec<OfferedTool>,
    proposed: propose::Proposed,
}

/// What a call names.
#[derive(Clone, Copy)]
enum Called<'a> {
    Own(ToolName),
    OfServer(&'a OfferedTool),
}

impl ToolBox {
    /// The tools that a role has, in the order of [`ToolName::ALL`], whose edits pass its `gate`. Without `commands` none can be run.
    pub(crate) fn new(
        role: &[ToolName],
        gate: Gate,
        ground: Ground,
        commands: Option<Commands>,
    ) -> Self {
        let has = |tool: &ToolName| {
            role.contains(tool) && (commands.is_some() || *tool != ToolName::RunCommand)
        };
        let offered = ToolName::ALL.into_iter().filter(has).collect();
        Self {
            ground,
            offered,
            commands,
            servers: McpServers::default(),
            of_servers: Vec::new(),
            proposed: propose::Proposed::through(gate),
        }
    }

    fn with(mut self, servers: McpServers) -> Self {
        if servers.is_empty() {
            self.offered.retain(|tool| *tool != ToolName::Mcp);
        }
        self.servers = servers;
        self
    }

    /// Whether servers are to be asked what they offer.
    pub(crate) fn has_servers(&self) -> bool {
        self.offered.contains(&ToolName::Mcp)
    }

    /// Asks the servers what they offer. Says which did not answer, and why.
    pub(crate) async fn ask_servers(&mut self) -> Vec<String> {
        let (tools, problems) = self.servers.tools().await;
        self.of_servers = tools;
        problems
    }

    /// As models are told, in an order that never changes.
    pub(crate) fn offered(&self) -> Vec<Tool> {
        let own = self.offered.iter().copied().filter_map(arguments::tool);
        let others = self.of_servers.iter().map(|offered| offered.tool.clone());
        own.chain(others).collect()
    }

    /// What was proposed and passed the gate, with the texts it was made from.
    pub(crate) fn take_proposal(&mut self) -> Option<(Box<Proposal>, String)> {
        self.proposed.take()
    }

    /// Carries out the calls of one message: those that only read side by side, the others one after
    /// another. There is a result for each, in their order, with placeholders for `secrets`. `record` is
    /// told of each.
    async fn carry_out(
        &mut self,
        calls: &[ToolCall],
        secrets: &mut Secrets,
        record: &(impl Fn(ToolRecord) + Sync),
    ) -> Vec<ToolResult> {
        self.ground.lend(secrets);
        let all_read = calls.iter().all(|call| match self.named(call) {
            Ok(Called::Own(tool)) => tool.only_reads(),
            Ok(Called::OfServer(_)) => false,
            Err(_) => true,
        });
        let (now, over) = calls.split_at(calls.len().min(CALLS_AT_ONCE));
        let mut results = Vec::new();
        if all_read {
            let this = &*self;
            let done = join_all(now.iter().map(|call| this.look(call, record))).await;
            results.extend(done);
        } else {
            for call in now {
                let begun = Instant::now();
                let done = self.act(call).await;
                results.push(told(call, done, begun, record));
            }
        }
        let too_many = |call| {
            let error = ToolError::TooManyAtOnce {
                limit: CALLS_AT_ONCE,
            };
            told(call, Err(error), Instant::now(), record)
        };
        results.extend(over.iter().map(too_many));
        *secrets = self.ground.secrets();
        results
    }

    async fn look(&self, call: &ToolCall, record: &(impl Fn(ToolRecord) + Sync)) -> ToolResult {
        let begun = Instant::now();
        let done = match self.named(call) {
            Ok(Called::Own(tool)) => self.read(tool, call.arguments.clone()).await,
            Ok(Called::OfServer(tool)) => self.ask(tool, &call.arguments).await,
            Err(error) => Err(error),
        };
        told(call, done, begun, record)
    }

    async fn act(&mut self, call: &ToolCall) -> Result<String, ToolError> {
        let tool = match self.named(call)? {
            Called::Own(tool) => tool,
            Called::OfServer(tool) => return self.ask(tool, &call.arguments).await,
        };
        match tool {
            ToolName::ProposeEdit => {
                let arguments = arguments::read(&call.arguments)?;
                self.proposed.add(&self.ground, arguments).await
            }
            ToolName::RunCommand => {
                let arguments = arguments::read(&call.arguments)?;
                let commands = self.commands.as_ref().ok_or(ToolError::NoCommands)?;
                commands.run(&self.ground, arguments).await
            }
            tool => self.read(tool, call.arguments.clone()).await,
        }
    }

    /// The tool of a call, if the role has it.
    fn named(&self, call: &ToolCall) -> Result<Called<'_>, ToolError> {
        let own = ToolName::of_name(&call.name).filter(|tool| *tool != ToolName::Mcp);
        let of_server = || {
            let mut others = self.of_servers.iter();
            others.find(|other| other.tool.name == call.name)
        };
        match (own, of_server()) {
            (Some(own), _) if self.offered.contains(&own) => Ok(Called::Own(own)),
            (Some(own), _) => Err(ToolError::NotAllowed { name: own.name() }),
            (None, Some(other)) => Ok(Called::OfServer(other)),
            (None, None) => Err(ToolError::Unknown {
                name: shortened(&call.name),
                offered: self.offered().into_iter().map(|tool| tool.name).collect(),
            }),
        }
    }

    /// Has a server do what its tool does, when the person allows it.
    async fn ask(&self, tool: &OfferedTool, arguments: &Value) -> Result<String, ToolError> {
        let asked = self.commands.as_ref().ok_or(ToolError::NoCommands)?;
        // What the person keeps from models is kept from servers.
        let told = self.ground.hide(None, &arguments.to_string());
        let Ok(Value::Object(arguments)) = serde_json::from_str(&told) else {
            return Err(ToolError::BadArguments {
                why: "they must be an object".into(),
            });
        };
        if !self.servers.allows(tool) {
            let name = tool.tool.name.clone();
            asked.may(Wish::Tool { name, about: told }).await?;
        }
        let answer = self.servers.call(tool, arguments).await?;
        Ok(self.ground.hide(None, &answer))
    }

    /// Looks, off the caller's thread and within its time.
    async fn read(&self, tool: ToolName, arguments: Value) -> Result<String, ToolError> {
        let ground = self.ground.clone();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let work = tokio::task::spawn_blocking(move || match tool {
            ToolName::Read => read::read(&ground, &arguments::read(&arguments)?),
            ToolName::List => read::list(&ground, &arguments::read(&arguments)?),
            ToolName::Search => look::search(&ground, &arguments::read(&arguments)?, &over),
            ToolName::Outline => look::outline(&ground, &arguments::read(&arguments)?),
            ToolName::References => look::references(&ground, &arguments::read(&arguments)?, &over),
            ToolName::Diagnostics => look::diagnostics(&ground, &arguments::read(&arguments)?),
            ToolName::ProposeEdit | ToolName::RunCommand | ToolName::Mcp => {
                Err(ToolError::NotAllowed { name: tool.name() })
            }
        });
        match tokio::time::timeout(WITHIN, work).await {
            Ok(Ok(done)) => done,
            Ok(Err(_panic)) => Err(ToolError::Internal),
            Err(_) => {
                is_over.store(true, Ordering::Relaxed);
                Err(ToolError::TimedOut { after: WITHIN })
            }
        }
    }
}

/// What goes back to the model.
fn told(
    call: &ToolCall,
    done: Result<String, ToolError>,
    begun: Instant,
    record: &impl Fn(ToolRecord),
) -> ToolResult {
    let error = done.as_ref().err().map(ToolError::code);
    let text = match done {
        Ok(text) => text,
        Err(error) => error.for_model(),
    };
    record(ToolRecord {
        tool: shortened(&call.name),
        about: about(&call.arguments),
        error,
        bytes: text.len(),
        took: begun.elapsed(),
    });
    ToolResult {
        call: call.id.clone(),
        name: call.name.clone(),
        text,
        is_error: error.is_some(),
    }
}

/// What a call is about, in a few words.
fn about(arguments: &Value) -> String {
    let word = ["path", "pattern", "name", "folder"]
        .iter()
        .find_map(|key| arguments.get(key)?.as_str().map(str::to_owned));
    let argv = || {
        let words = arguments.get("argv")?.as_array()?;
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        Some(words.join(" "))
    };
    redact(&shortened(&word.or_else(argv).unwrap_or_default())).into_owned()
}

/// The beginning of a text, for messages and records.
fn shortened(text: &str) -> String {
    const MOST: usize = 120;
    let mut short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
