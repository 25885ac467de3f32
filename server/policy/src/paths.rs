//! Which paths may be touched, decided from the name alone.

mod denied;

use std::fmt;
use std::sync::Arc;

use camino::Utf8Path;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::visible::is_invisible;

/// The longest path that is considered.
const MAX_BYTES: usize = 4096;

/// The longest glob that is compiled.
const MAX_GLOB_BYTES: usize = 1024;

/// How much of a refused path a message repeats.
const MAX_SHOWN: usize = 120;

/// A path that was checked: relative to a workspace root, parts separated by `/`, no part empty, `.` or
/// `..`, nothing denied.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath(String);

impl RelativePath {
    /// As a text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a text that is one's own.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for RelativePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl AsRef<Utf8Path> for RelativePath {
    fn as_ref(&self) -> &Utf8Path {
        Utf8Path::new(&self.0)
    }
}

/// What may be touched beyond what is always refused. Made once from the settings (each glob is compiled),
/// then cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct PathRules {
    /// Each glob and what it matches. One set a glob: a glob that grows too large for a set must not
    /// take the others down.
    deny: Arc<[(String, GlobSet)]>,
    /// What the user allows although it is refused by its name.
    allow: Arc<[GlobSet]>,
    allow_ci: bool,
    reserved_names: bool,
}

impl PathRules {
    /// Rules from the globs of `edits.deny` and from `edits.allow_ci`. A glob that cannot be read
    /// (which the settings have told already) denies nothing.
    pub fn new(deny: &[String], allow_ci: bool) -> Self {
        let deny = deny
            .iter()
            .filter_map(|glob| Some((glob.clone(), compile(glob).ok()?)))
            .collect();
        Self {
            deny,
            allow: Arc::default(),
            allow_ci,
            reserved_names: cfg!(windows),
        }
    }

    /// The globs of `edits.allow`: files that are refused by their names and may be edited all the same,
    /// because the user said so. What belongs to the version control system and Pleach's own settings
    /// stay refused, as does what `edits.deny` names.
    #[must_use]
    pub fn with_allowed(mut self, allow: &[String]) -> Self {
        self.allow = allow.iter().filter_map(|glob| compile(glob).ok()).collect();
        self
    }

    /// Whether names that mean something else on Windows (`con`, `nul`, `vscode~1`) are refused. They are
    /// on Windows; elsewhere `aux.c` is a file like any other.
    #[must_use]
    pub fn with_reserved_names(mut self, refused: bool) -> Self {
        self.reserved_names = refused;
        self
    }
}

/// Why a path was refused, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRefusal {
    path: String,
    reason: RefusalReason,
}

/// What a path was refused for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusalReason {
    /// There is no name in it.
    Empty,
    /// It has more than 4096 bytes.
    TooLong,
    /// It holds a control character or an invisible one, which could hide what it means.
    InvisibleCharacter,
    /// It begins at the root of the disk, at a drive, at home, or is an address.
    Absolute,
    /// It has a part `..`.
    ParentDirectory,
    /// It has a `\`.
    Backslash,
    /// A part ends with a dot or a space, which Windows leaves out.
    TrailingDotOrSpace,
    /// A part is the name of a device on Windows, or the short form of another name.
    ReservedName,
    /// It belongs to the version control system.
    VersionControl,
    /// It holds keys or passwords.
    Secret,
    /// An editor, a shell or a hook of git runs what is in it.
    RunByEditor,
    /// A build server runs what is in it.
    RunByBuildServer,
    /// It is a settings file of Pleach.
    OwnSettings,
    /// The settings deny it, by this glob.
    DeniedBySettings(String),
}

impl PathRefusal {
    fn new(path: &str, reason: RefusalReason) -> Self {
        let mut shown: String = path.chars().take(MAX_SHOWN).collect();
        if shown.len() < path.len() {
            shown.push('…');
        }
        // Escaped, because it may hold what a terminal obeys.
        let path = shown.chars().flat_map(|char| {
            let escape = char.is_control() || is_invisible(char);
            let plain = (!escape).then_some(char);
            plain
                .into_iter()
                .chain(char.escape_unicode().filter(move |_| escape))
        });
        Self {
            path: path.collect(),
            reason,
        }
    }

    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self.reason {
            RefusalReason::Empty => "empty_path",
            RefusalReason::TooLong => "path_too_long",
            RefusalReason::InvisibleCharacter => "invisible_character",
            RefusalReason::Absolute => "absolute_path",
            RefusalReason::ParentDirectory => "parent_directory",
            RefusalReason::Backslash => "backslash",
            RefusalReason::TrailingDotOrSpace => "trailing_dot_or_space",
            RefusalReason::ReservedName => "reserved_name",
            RefusalReason::VersionControl => "version_control",
            RefusalReason::Secret => "secret_file",
            RefusalReason::RunByEditor => "run_by_editor",
            RefusalReason::RunByBuildServer => "run_by_build_server",
            RefusalReason::OwnSettings => "own_settings",
            RefusalReason::DeniedBySettings(_) => "denied_by_settings",
        }
    }

    /// What it was refused for.
    pub fn reason(&self) -> &RefusalReason {
        &self.reason
    }

    /// The path, shortened and with everything invisible written out.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl std::error::Error for PathRefusal {}

impl fmt::Display for PathRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.reason {
            RefusalReason::Empty => f.write_str("a path is missing; name a file of the workspace"),
            RefusalReason::TooLong => {
                write!(
                    f,
                    "`{path}` is longer than {MAX_BYTES} bytes; name a file of the workspace"
                )
            }
            RefusalReason::InvisibleCharacter => write!(
                f,
                "`{path}` holds a character that cannot be seen; write the path without it"
            ),
            RefusalReason::Absolute => write!(
                f,
                "`{path}` is not relative to the workspace; write it as it is seen from the \
                 workspace's folder"
            ),
            RefusalReason::ParentDirectory => write!(
                f,
                "`{path}` climbs with `..`; write the path from the workspace's folder without it"
            ),
            RefusalReason::Backslash => {
                write!(
                    f,
                    "`{path}` holds a `\\`; separate the parts of a path by `/`"
                )
            }
            RefusalReason::TrailingDotOrSpace => write!(
                f,
                "`{path}` has a part that ends with a dot or a space, which means another file on \
                 some systems; name the file without it"
            ),
            RefusalReason::ReservedName => {
                write!(
                    f,
                    "`{path}` has a part that names a device on Windows; choose another name"
                )
            }
            RefusalReason::VersionControl => write!(
                f,
                "`{path}` belongs to the version control system; Pleach never touches it, use that \
                 system's own commands"
            ),
            RefusalReason::Secret => write!(
                f,
                "`{path}` may hold keys or passwords, so Pleach neither reads nor edits it; edit it by \
                 hand, or name it in `edits.allow` of your own settings"
            ),
            RefusalReason::RunByEditor => write!(
                f,
                "`{path}` is run or obeyed by an editor, a shell or git, so Pleach does not edit it; edit \
                 it by hand, or name it in `edits.allow` of your own settings"
            ),
            RefusalReason::RunByBuildServer => write!(
                f,
                "`{path}` is run by a build server; allow it with `edits.allow_ci = true` in your own \
                 settings, or edit it by hand"
            ),
            RefusalReason::OwnSettings => {
                write!(f, "`{path}` holds Pleach's own settings; edit it by hand")
            }
            RefusalReason::DeniedBySettings(glob) => write!(
                f,
                "`{path}` is denied by `{glob}` in `edits.deny`; edit it by hand, or take the glob out"
            ),
        }
    }
}

/// Whether an edit may touch this path, which must be relative to a root of the workspace.
///
/// `./` and doubled `/` are taken out. Everything else that is unusual is refused rather than
/// interpreted, on every system by the strictest system's reading: upper and lower case are one, and
/// what Windows or macOS would leave out of a name cannot be in it. Links on disk are not followed
/// here; whoever writes must check them.
///
/// # Errors
///
/// A typed refusal that names the reason and what to do instead.
pub fn check_path(path: &str, rules: &PathRules) -> Result<RelativePath, PathRefusal> {
    check(path, rules, Purpose::Edit)
}

/// Whether this path may be read and shown to a model. Like [`check_path`], but files that an editor or
/// a build server runs, and Pleach's own settings, may be read.
///
/// # Errors
///
/// A typed refusal that names the reason and what to do instead.
pub fn check_reading(path: &str, rules: &PathRules) -> Result<RelativePath, PathRefusal> {
    check(path, rules, Purpose::Read)
}

/// Whether a part of a path names a device on Windows, or is the short form of another name there. Where
/// it is a file like any other it may be edited, but none is made that a part of the team cannot have.
pub fn names_a_device(path: &str) -> bool {
    path.split('/').any(denied::is_reserved)
}

/// The refusal of a new file of such a name.
pub fn refuse_device(path: &str) -> PathRefusal {
    PathRefusal::new(path, RefusalReason::ReservedName)
}

/// Why a file whose path consists of these parts holds what is never sent, if it does.
pub(crate) fn withheld(parts: &[&str]) -> Option<RefusalReason> {
    denied::reason(parts)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Edit,
    Read,
}

fn check(path: &str, rules: &PathRules, purpose: Purpose) -> Result<RelativePath, PathRefusal> {
    let refuse = |reason| Err(PathRefusal::new(path, reason));
    if path.len() > MAX_BYTES {
        return refuse(RefusalReason::TooLong);
    }
    if path
        .chars()
        .any(|char| char.is_control() || is_invisible(char))
    {
        return refuse(RefusalReason::InvisibleCharacter);
    }
    if is_absolute(path) {
        return refuse(RefusalReason::Absolute);
    }
    if path.contains('\\') {
        return refuse(RefusalReason::Backslash);
    }
    let mut parts = Vec::new();
    for part in path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
    {
        if part == ".." {
            return refuse(RefusalReason::ParentDirectory);
        }
        if part.ends_with(['.', ' ']) {
            return refuse(RefusalReason::TrailingDotOrSpace);
        }
        if rules.reserved_names && denied::is_reserved(part) {
            return refuse(RefusalReason::ReservedName);
        }
        parts.push(part);
    }
    if parts.is_empty() || path.ends_with('/') {
        return refuse(RefusalReason::Empty);
    }
    let clean = parts.join("/");
    if let Some(reason) = denied::reason(&parts) {
        let may_be_allowed = !matches!(
            reason,
            RefusalReason::VersionControl | RefusalReason::OwnSettings
        );
        let is_named = || rules.allow.iter().any(|set| set.is_match(&clean));
        let run = matches!(
            reason,
            RefusalReason::RunByEditor
                | RefusalReason::RunByBuildServer
                | RefusalReason::OwnSettings
        );
        let allowed = (run && purpose == Purpose::Read)
            || (reason == RefusalReason::RunByBuildServer && rules.allow_ci)
            || (may_be_allowed && is_named());
        if !allowed {
            return refuse(reason);
        }
    }
    // `./C:` hides a drive until it is cleaned.
    if is_absolute(&clean) {
        return refuse(RefusalReason::Absolute);
    }
    if let Some((glob, _)) = rules.deny.iter().find(|(_, set)| set.is_match(&clean)) {
        return refuse(RefusalReason::DeniedBySettings(glob.clone()));
    }
    Ok(RelativePath(clean))
}

/// `/…`, `\…`, `~`, `~user/…`, `C:…`, `scheme://…`.
fn is_absolute(path: &str) -> bool {
    let first = path.split(['/', '\\']).next().unwrap_or_default();
    let mut chars = first.chars();
    // Windows takes any character for a drive.
    let drive = matches!((chars.next(), chars.next()), (Some(_), Some(':')));
    path.starts_with(['/', '\\'])
        || drive
        || first == "~"
        || (first.starts_with('~') && first.len() < path.len())
        || path.contains("://")
        || first.eq_ignore_ascii_case("file:")
}

/// Whether a glob of `edits.deny` or `edits.allow` can be used; else why not.
pub(crate) fn check_glob(glob: &str) -> Result<(), String> {
    if glob.trim().trim_matches(['/', '.']).is_empty() {
        return Err("it names no file".to_owned());
    }
    if glob.starts_with('!') {
        return Err("such a list knows no `!`".to_owned());
    }
    if glob.len() > MAX_GLOB_BYTES {
        return Err(format!("it is longer than {MAX_GLOB_BYTES} bytes"));
    }
    compile(glob)
        .map(|_| ())
        .map_err(|error| error.kind().to_string())
}

/// What one entry of `edits.deny` stands for: itself, in every folder unless it names one, and everything
/// below it.
fn compile(glob: &str) -> Result<GlobSet, globset::Error> {
    let inner = glob.trim().trim_end_matches('/').trim_start_matches("./");
    let prefix = if inner.contains('/') { "" } else { "**/" };
    let inner = inner.trim_start_matches('/');
    let mut set = GlobSetBuilder::new();
    for form in [format!("{prefix}{inner}"), format!("{prefix}{inner}/**")] {
        set.add(
            GlobBuilder::new(&form)
                .case_insensitive(true)
                .literal_separator(true)
                .build()?,
        );
    }
    set.build()
}
