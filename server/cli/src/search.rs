//! `pleach search`: places of a folder, by words.

use std::io::{self, Write as _};
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context as _, bail};
use camino::Utf8PathBuf;
use indicatif::ProgressBar;
use pleach_agent::{Index, IndexPhase, Meaning};
use serde_json::json;

use crate::environment::Environment;
use crate::folder::Folder;
use crate::paint::{FAINT, PLACE, paint, visible};

/// How long the index may take. A repository of 100,000 files takes minutes at the first time.
const PATIENCE: Duration = Duration::from_hours(1);

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  pleach search open drawer            what is called so, and where it is written about
  pleach search --dir web readFile     in another folder
  pleach search --json parse request   one JSON object for each place

The folder is indexed at the first time, and what has changed since at each further one. The index lies
in the state folder; `.gitignore` and `.pleachignore` count. Where [embeddings] in your settings names a
provider, the question is sent to it, and what an editor's server has embedded is ranked by meaning too.

Exit code: 0 something was found, 1 nothing was, 2 wrong usage.")]
pub(crate) struct Arguments {
    /// What to search for
    #[arg(value_name = "WORDS", required = true, num_args = 1..)]
    words: Vec<String>,
    /// The folder to search
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: Utf8PathBuf,
    /// The most places
    #[arg(long, value_name = "N", default_value_t = 20)]
    most: usize,
    /// One JSON object for each place
    #[arg(long)]
    json: bool,
}

/// What ranks by meaning, if the settings name a provider for that and it has embedded the question. Files are not
/// embedded here: an editor's server does that.
fn meaning_of(
    folder: &Folder,
    environment: &Environment,
    asked: &str,
) -> anyhow::Result<Option<Meaning>> {
    if folder.settings.embedder().is_none() {
        return Ok(None);
    }
    let account = folder.account(environment)?;
    let books = account.books.clone();
    let meaning = Meaning::new(
        &folder.settings,
        &Environment::variables(),
        account,
        &environment.state_dir,
        folder.snapshot().roots(),
        |_| {},
    );
    let Some(meaning) = meaning else {
        return Ok(None);
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let is_known = runtime.block_on(meaning.question(asked));
    books.flush();
    if !is_known {
        let why = meaning.state().words();
        writeln!(io::stderr(), "ranked by words alone ({})", visible(&why))?;
    }
    Ok(Some(meaning))
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> anyhow::Result<u8> {
    let folder = Folder::open(&arguments.dir, environment)?;
    if !folder.settings.context.index {
        bail!(
            "there is no index to search: `index = false` stands under [context] in a pleach.toml; take that out to search"
        );
    }
    let workspace = folder.snapshot();
    let bar = ProgressBar::no_length();
    let shown = bar.clone();
    let report = move |state: pleach_agent::IndexState| {
        if let IndexPhase::Reading { done, total } = state.phase {
            shown.set_length(u64::try_from(total).unwrap_or(u64::MAX));
            shown.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        }
    };
    let index = Index::start(&environment.state_dir, workspace.clone(), false, report);
    let (found, answer) = channel();
    let asked = arguments.words.join(" ");
    let meaning = meaning_of(&folder, environment, &asked)?;
    let index = index.with_meaning(meaning);
    index.search(workspace, asked, arguments.most, PATIENCE, move |answer| {
        let _nobody_waits = found.send(answer).is_err();
    });
    let answer = answer.recv().context("the index has ended")?;
    bar.finish_and_clear();
    let hits = answer.hits?;
    let mut out = anstream::stdout().lock();
    for hit in &hits {
        if arguments.json {
            let symbol = hit.symbol.as_ref().map(|symbol| {
                json!({"name": symbol.name, "kind": symbol.kind, "container": symbol.container})
            });
            let line = json!({
                "path": hit.path, "line": hit.line, "preview": hit.preview, "symbol": symbol,
            });
            writeln!(out, "{line}")?;
            continue;
        }
        let place = format!("{}:{}", visible(&hit.path), hit.line);
        let what = hit.symbol.as_ref().map_or(String::new(), |symbol| {
            let what = format!(" ({} {})", symbol.kind, visible(&symbol.name));
            paint(FAINT, &what).to_string()
        });
        writeln!(
            out,
            "{}: {}{what}",
            paint(PLACE, &place),
            visible(&hit.preview)
        )?;
    }
    out.flush()?;
    if hits.is_empty() {
        writeln!(
            io::stderr(),
            "nothing was found; fewer or other words may find more"
        )?;
        return Ok(crate::NOT_IN_ORDER);
    }
    Ok(crate::DONE)
}
