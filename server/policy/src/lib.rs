//! # Policy: what may be read, sent, written and spent
//!
//! Pure decisions, no disk and no network:
//!
//! - **Settings.** A `pleach.toml` is read key by key, by [`parse`]: it never fails. What cannot be
//!   used becomes a [`SettingsProblem`] at that key, for the editor to show, and everything else takes
//!   effect. The layers are the defaults, the user's file, what the editor sends ([`overlay`]), and the
//!   workspace's file ([`narrow`]), which can only take away: a repository that was just cloned must not
//!   be able to choose where a key is sent. A key itself is never read from any of them.
//! - **Paths.** [`check_path`] decides from the name alone whether an edit may touch a file:
//!   nothing outside the workspace, no version control internals, no keys, nothing that an editor or a
//!   build server would run. Following links on disk is the workspace room's part.
//! - **Rules for agents.** A [`RuleFile`] is an `AGENTS.md` or one of its kind; [`select_rules`] says
//!   which of them hold for a file, and why.
//! - **Money.** [`BudgetSettings::room`] says what the caps leave for one more call of a model, and a
//!   [`Breaker`] notices a loop.
//! - **Secrets in texts.** [`Secrets`] puts a placeholder in the place of each secret in what leaves the
//!   machine, and the secret back into what returns; [`is_withheld`] and [`is_ignored`] name the files
//!   that never leave.
//! - **Keys in texts.** [`redact`] takes what looks like a key out of what is shown or logged.
//!
//! ```
//! use pleach_policy::{Role, check_path, narrow, parse};
//!
//! let mine = parse(
//!     r#"
//!     engine = "local"
//!     [providers.local]
//!     base_url = "http://127.0.0.1:8080/v1"
//!     model = "qwen"
//!     [limits]
//!     idle_secs = 20
//!     "#,
//! );
//! // The misspelt key is told, with its place; the rest of the file counts.
//! assert_eq!(
//!     mine.problems[0].message,
//!     "`limits.idle_secs` is no setting and is ignored; did you mean `idle_seconds`?"
//! );
//! assert_eq!(mine.settings.model_for(Role::Coder), Some("local"));
//!
//! // A workspace can take away, never add.
//! let here = narrow(&mine.settings, "edits.deny = ['migrations/']\nactions.automatic = true");
//! assert_eq!(here.problems[0].code, "workspace_widens");
//! let rules = here.settings.path_rules();
//! assert_eq!(check_path("./src//main.rs", &rules).unwrap().as_str(), "src/main.rs");
//! assert_eq!(check_path("migrations/1.sql", &rules).unwrap_err().code(), "denied_by_settings");
//! assert_eq!(check_path("../secret", &rules).unwrap_err().code(), "parent_directory");
//! ```

mod budget;
mod front_matter;
mod ignored;
mod paths;
mod redact;
mod rules;
mod secrets;
mod settings;
mod visible;

pub use budget::{Breaker, Cap, MicroUsd, Room, Spent};
pub use front_matter::{FrontMatter, FrontMatterEntry, FrontMatterProblem};
pub use ignored::{IGNORE_FILE, IgnoreRules, is_ignored};
pub use paths::{
    PathRefusal, PathRules, RefusalReason, RelativePath, check_path, check_reading, names_a_device,
    refuse_device,
};
pub use redact::redact;
pub use rules::{
    AppliedRule, LeftOut, ROOT_RULE_FILES, ROOT_RULE_FOLDERS, RULE_FILES, RULE_FOLDERS, Reason,
    RuleFile, RuleProblem, SelectedRules, is_rule_file, select_rules,
};
pub use secrets::{Secrets, is_withheld};
pub use settings::{
    ActionSettings, AddModelError, BUILTIN_ENGINE, BudgetSettings, CacheSettings, CommandSettings,
    ContextSettings, EditSettings, Effort, EmbeddingSettings, KeySource, LedgerSettings,
    LimitSettings, Loaded, LogLevel, LogSettings, McpSettings, NewModel, ProviderKind,
    ProviderSettings, Review, Role, Settings, SettingsProblem, Severity, TestSettings, json_schema,
    narrow, overlay, parse, with_model,
};
pub use visible::{is_invisible, tame_markdown, visible};
