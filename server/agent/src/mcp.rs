//! Servers of tools that speak the Model Context Protocol, from the person's settings.
//!
//! Each has one connection, made when a job first needs it and shared by all that follow. A server that
//! fails is left alone for a while, and longer each time. What a server says (names, descriptions, results)
//! is text from outside: bounded here, cleaned, and trusted in nothing.

mod connection;
mod offer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pleach_exec::{ExecError, Variables};
use pleach_policy::McpSettings;
use serde_json::{Map, Value};

use self::connection::Connection;
pub(crate) use self::offer::OfferedTool;

/// How long a server may take to start and to tell its tools. The first start of one from a registry
/// fetches it.
const START_WITHIN: Duration = Duration::from_secs(30);
/// How long one call may take.
const CALL_WITHIN: Duration = Duration::from_mins(1);
/// How long a server is left alone after its first failure, and at most.
const REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_mins(5);
/// A server that ends so soon after its start, and has answered nothing, has failed.
const SOON: Duration = Duration::from_secs(10);
/// Tools of all servers together that are offered. Models choose worse among more.
const MOST_TOOLS: usize = 128;

/// The servers of the settings. Cheap to clone; the connections end with the last clone.
#[derive(Clone, Default)]
pub struct McpServers(Arc<[Server]>);

/// How a server is, from memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpStanding {
    /// As the settings name it.
    pub name: String,
    /// How many of its tools are offered; `None` while it is not connected.
    pub tools: Option<usize>,
    /// Why it could not be reached the last time.
    pub trouble: Option<String>,
}

/// Why a server gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum McpError {
    /// Its program did not start.
    #[error("{cause}; {}", cause.next_step())]
    Program {
        /// Why.
        #[from]
        cause: ExecError,
    },
    /// The variable of its key is not set.
    #[error(
        "{0} is not set where the server of this editor was started; set it, or change `key_env`"
    )]
    NoKey(String),
    /// It could not be reached, or did not speak the protocol.
    #[error("it could not be reached: {0}; run it by hand to see what it says")]
    Unreached(String),
    /// It failed a short time ago.
    #[error("it failed a short time ago and is left alone for {} s: {why}", left.as_secs().max(1))]
    Resting {
        /// How long.
        left: Duration,
        /// What happened.
        why: String,
    },
    /// It took too long.
    #[error("it did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// It answered with an error of its own.
    #[error("{0}")]
    Told(String),
}

impl McpError {
    /// A short, stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Program { cause } => cause.code(),
            Self::NoKey(_) => "no-key",
            Self::Unreached(_) => "server-unreached",
            Self::Resting { .. } => "server-resting",
            Self::TimedOut(_) => "timed-out",
            Self::Told(_) => "tool-failed",
        }
    }
}

struct Server {
    name: String,
    settings: McpSettings,
    variables: Variables,
    folder: Option<PathBuf>,
    link: tokio::sync::Mutex<Link>,
    standing: Mutex<McpStanding>,
}

#[derive(Default)]
struct Link {
    connection: Option<Arc<Connection>>,
    failures: u32,
    /// When the connection was made, and whether anything has been answered on it.
    begun: Option<Instant>,
    has_answered: bool,
    /// Until when it is left alone, and why.
    rests: Option<(Instant, String)>,
}

impl Link {
    /// There is a connection. That alone proves nothing: a server may end at every call.
    fn begins(&mut self, now: Instant) {
        self.begun = Some(now);
        self.has_answered = false;
        self.rests = None;
    }

    /// A call was answered.
    fn answers(&mut self) {
        self.failures = 0;
        self.has_answered = true;
    }

    /// Whether a connection that ended while nobody needed it was good for nothing.
    fn was_useless(&self, now: Instant) -> bool {
        let lived = self.begun.map(|begun| now.saturating_duration_since(begun));
        !self.has_answered && lived.is_some_and(|lived| lived < SOON)
    }

    /// It failed, and is left alone for a while.
    fn fails(&mut self, now: Instant, why: String) {
        let rest = REST
            .saturating_mul(1 << self.failures.min(6))
            .min(LONGEST_REST);
        self.failures = self.failures.saturating_add(1);
        self.rests = now.checked_add(rest).map(|until| (until, why));
    }

    /// How long it is still left alone, and why.
    fn rest(&self, now: Instant) -> Option<(Duration, &str)> {
        let (until, why) = self.rests.as_ref()?;
        let left = until.saturating_duration_since(now);
        (!left.is_zero()).then_some((left, why))
    }
}

impl McpServers {
    /// The servers that `settings` names. Their programs run in `folder`. Nothing is started yet.
    pub fn new(
        settings: &BTreeMap<String, McpSettings>,
        variables: &Variables,
        folder: Option<&Path>,
    ) -> Self {
        let server = |(name, settings): (&String, &McpSettings)| Server {
            name: name.clone(),
            settings: settings.clone(),
            variables: Arc::clone(variables),
            folder: folder.map(Path::to_owned),
            link: tokio::sync::Mutex::default(),
            standing: Mutex::new(McpStanding {
                name: name.clone(),
                tools: None,
                trouble: None,
            }),
        };
        Self(settings.iter().map(server).collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether these are the servers that `settings` names.
    pub fn are(&self, settings: &BTreeMap<String, McpSettings>) -> bool {
        let own = self.0.iter().map(|server| (&server.name, &server.settings));
        own.eq(settings)
    }

    /// How each of them is.
    pub fn standings(&self) -> Vec<McpStanding> {
        let standings = self.0.iter().map(|server| server.standing().clone());
        standings.collect()
    }

    /// What they offer, in an order that does not change, and what is wrong with those that offer nothing.
    pub(crate) async fn tools(&self) -> (Vec<OfferedTool>, Vec<String>) {
        let (mut tools, mut problems) = (Vec::new(), Vec::new());
        let asked = self.0.iter().map(Server::connection);
        for (server, connection) in self.0.iter().zip(join_all(asked).await) {
            match connection {
                Ok(connection) => tools.extend(connection.tools.iter().cloned()),
                // It was told when it happened.
                Err(McpError::Resting { .. }) => {}
                Err(error) => problems.push(format!(
                    "the tools of `{}` are missing: {error}",
                    server.name
                )),
            }
        }
        tools.truncate(MOST_TOOLS);
        (tools, problems)
    }

    /// The names of the tools that models are offered, and what is wrong with servers that offer nothing.
    pub async fn offered(&self) -> (Vec<String>, Vec<String>) {
        let (tools, problems) = self.tools().await;
        let names = tools.into_iter().map(|offered| offered.tool.name);
        (names.collect(), problems)
    }

    /// Calls a tool by the name that models call it by, without a question: for a person who tries it. An
    /// error is a code and what happened.
    pub async fn try_tool(
        &self,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<String, (&'static str, String)> {
        let (tools, _) = self.tools().await;
        let tool = tools.iter().find(|offered| offered.tool.name == name);
        let tool = tool.ok_or_else(|| ("unknown-tool", format!("no server offers `{name}`")))?;
        let called = self.call(tool, arguments).await;
        called.map_err(|error| (error.code(), error.to_string()))
    }

    /// Whether the settings allow a tool without a question.
    pub(crate) fn allows(&self, tool: &OfferedTool) -> bool {
        let server = self.0.iter().find(|server| server.name == tool.server);
        server.is_some_and(|server| server.settings.allow.contains(&tool.own_name))
    }

    /// Calls a tool. What it answers is at most [`offer::MOST_TEXT`] bytes.
    pub(crate) async fn call(
        &self,
        tool: &OfferedTool,
        arguments: Map<String, Value>,
    ) -> Result<String, McpError> {
        let server = self.0.iter().find(|server| server.name == tool.server);
        let server = server.ok_or_else(|| McpError::Unreached("it is not set up".into()))?;
        let connection = server.connection().await?;
        let called = connection.call(&tool.own_name, arguments);
        let called = tokio::time::timeout(CALL_WITHIN, called).await;
        let answer = called.unwrap_or(Err(McpError::TimedOut(CALL_WITHIN)));
        match &answer {
            Err(McpError::Unreached(why)) => server.lost(&connection, why).await,
            Ok(_) | Err(McpError::Told(_)) => server.link.lock().await.answers(),
            Err(_) => {}
        }
        answer
    }
}

impl Server {
    fn standing(&self) -> MutexGuard<'_, McpStanding> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its connection, made anew when there is none that stands.
    async fn connection(&self) -> Result<Arc<Connection>, McpError> {
        let mut link = self.link.lock().await;
        // That a server ends while nobody needs it is its own affair: it is started again.
        if link.connection.take_if(|it| it.is_over()).is_some() {
            tracing::info!(server = self.name, "a server of tools ended by itself");
            if link.was_useless(Instant::now()) {
                let why = "it ended as soon as it had started".to_owned();
                self.failed(&mut link, why);
            }
        }
        if let Some(connection) = &link.connection {
            return Ok(Arc::clone(connection));
        }
        if let Some((left, why)) = link.rest(Instant::now()) {
            let why = why.to_owned();
            return Err(McpError::Resting { left, why });
        }
        let folder = self.folder.as_deref();
        let connecting = Connection::open(&self.name, &self.settings, &self.variables, folder);
        let connected = tokio::time::timeout(START_WITHIN, connecting).await;
        match connected.unwrap_or(Err(McpError::TimedOut(START_WITHIN))) {
            Ok(connection) => {
                let connection = Arc::new(connection);
                link.connection = Some(Arc::clone(&connection));
                link.begins(Instant::now());
                let mut standing = self.standing();
                standing.tools = Some(connection.tools.len());
                standing.trouble = None;
                Ok(connection)
            }
            Err(error) => {
                self.failed(&mut link, error.to_string());
                Err(error)
            }
        }
    }

    /// A connection broke off.
    async fn lost(&self, connection: &Arc<Connection>, why: &str) {
        let mut link = self.link.lock().await;
        let is_it = |present: &mut Arc<Connection>| Arc::ptr_eq(present, connection);
        if link.connection.take_if(is_it).is_some() {
            self.failed(&mut link, why.to_owned());
        }
    }

    fn failed(&self, link: &mut Link, why: String) {
        tracing::warn!(server = self.name, why, "a server of tools is left alone");
        link.fails(Instant::now(), why.clone());
        let mut standing = self.standing();
        standing.tools = None;
        standing.trouble = Some(why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rests_after(link: &mut Link, now: Instant) -> u64 {
        link.fails(now, "it ended".to_owned());
        link.rest(now).map_or(0, |(left, _)| left.as_secs())
    }

    #[test]
    fn a_server_that_starts_and_ends_at_every_call_is_left_alone_longer_each_time() {
        let (mut link, now) = (Link::default(), Instant::now());
        let rests: Vec<u64> = (0..8)
            .map(|_| {
                link.begins(now);
                assert_eq!(link.rest(now), None);
                rests_after(&mut link, now)
            })
            .collect();
        assert_eq!(rests, [5, 10, 20, 40, 80, 160, 300, 300]);
        // One that has done something for us begins anew.
        link.begins(now);
        link.answers();
        assert_eq!(rests_after(&mut link, now), 5);
        assert_eq!(link.rest(now + REST), None);
    }

    #[test]
    fn an_end_that_nobody_notices_is_a_failure_if_it_comes_at_once_and_nothing_was_answered() {
        let (mut link, now) = (Link::default(), Instant::now());
        link.begins(now);
        assert!(link.was_useless(now) && !link.was_useless(now + SOON));
        link.answers();
        assert!(!link.was_useless(now));
    }
}
