//! `pleach new`: new files, or a whole project, from a template.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use pleach_agent::{Template, Templates};
use pleach_workspace::{Journal, write_all};

use crate::apply::{bring_to_an_end, show_diff};
use crate::environment::Environment;
use crate::folder::Folder;
use crate::paint::{BAD, FAINT, GOOD, HEAD, PLACE, count, paint, visible};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  pleach new                                      the templates there are, and what they ask for
  pleach new rust-crate --dir till name=till      a crate in the new folder `till`
  pleach new rust-crate --print name=till         what it would make, and nothing written

Templates are folders: yours in `templates` beside your pleach.toml, a project's in .pleach/templates.
In a terminal you are asked for what is missing. No file that is there is changed.

Exit code: 0 the files are written, 1 nothing could be made, 2 wrong usage.")]
pub(crate) struct Arguments {
    /// The template; without one they are listed
    #[arg(value_name = "TEMPLATE")]
    template: Option<String>,
    /// Values for what it asks for
    #[arg(value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// The folder to make the files in; it need not be there
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: Utf8PathBuf,
    /// Show what would be made and write nothing
    #[arg(long)]
    print: bool,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> anyhow::Result<u8> {
    let (root, below) = place(&arguments.dir)?;
    let folder = Folder::open(&root, environment)?;
    let workspace = folder.snapshot();
    let templates = Templates::read(environment.config_dir.as_deref(), &workspace);
    let Some(name) = &arguments.template else {
        list(&templates)?;
        return Ok(crate::DONE);
    };
    let mut given = BTreeMap::new();
    for variable in &arguments.variables {
        let (name, value) = variable
            .split_once('=')
            .with_context(|| format!("`{variable}` gives no value: write name=value"))?;
        given.insert(name.to_owned(), value.to_owned());
    }
    if let Some(template) = templates.get(name) {
        ask(template, &mut given)?;
    }
    let mut out = anstream::stderr().lock();
    let made = match templates.scaffold(name, &given, &below, &workspace) {
        Ok(made) => made,
        Err(failure) => {
            let why = failure.to_string();
            writeln!(out, "{} {}", paint(BAD, "nothing made:"), visible(&why))?;
            let broken = templates.files.iter().filter(|it| !it.problems.is_empty());
            for file in broken {
                let why = file.problems.first().map_or("", |it| it.message.as_str());
                writeln!(
                    out,
                    "{} {}",
                    paint(PLACE, visible(file.path.as_str())),
                    visible(why)
                )?;
            }
            writeln!(out, "{}", failure.next_step())?;
            return Ok(crate::NOT_IN_ORDER);
        }
    };
    if arguments.print {
        drop(out);
        show_diff(made.proposal.files())?;
        return Ok(crate::DONE);
    }
    let journal = Journal::new(&environment.state_dir);
    if !bring_to_an_end(&journal, &workspace)? {
        return Ok(crate::NOT_IN_ORDER);
    }
    if let Err(error) = write_all(&workspace, made.proposal.files(), &journal) {
        writeln!(out, "{} {error}", paint(BAD, "refused:"))?;
        return Ok(crate::NOT_IN_ORDER);
    }
    for file in made.proposal.files() {
        let path = visible(file.path()).into_owned();
        writeln!(out, "{} {}", paint(GOOD, "✓"), paint(PLACE, path))?;
    }
    let files = count(made.proposal.files().len(), "file");
    writeln!(out, "{}", paint(HEAD, format_args!("{files} written")))?;
    Ok(crate::DONE)
}

/// The folder that is there to work in, and the folder below it that the files are made in.
fn place(dir: &Utf8Path) -> anyhow::Result<(Utf8PathBuf, String)> {
    let here = Utf8Path::new(".").canonicalize_utf8()?;
    let mut there = here.join(dir);
    let mut missing = Vec::new();
    // What is not there yet cannot lead anywhere else.
    while there.symlink_metadata().is_err() {
        match there
            .file_name()
            .zip(there.parent().map(Utf8Path::to_owned))
        {
            Some((name, parent)) => {
                missing.push(name.to_owned());
                there = parent;
            }
            None => bail!("`{dir}` is no folder to make files in"),
        }
    }
    let there = there
        .canonicalize_utf8()
        .with_context(|| format!("`{dir}` is no folder to make files in"))?;
    missing.reverse();
    // A project's templates and settings hold in all of it.
    let (root, inside) = match there.strip_prefix(&here) {
        Ok(inside) => (here.clone(), inside.to_owned()),
        Err(_outside) => (there.clone(), Utf8PathBuf::new()),
    };
    let below = missing.iter().fold(inside, |path, name| path.join(name));
    Ok((root, below.as_str().replace('\\', "/")))
}

/// Asks in a terminal for what is missing.
fn ask(template: &Template, given: &mut BTreeMap<String, String>) -> io::Result<()> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(());
    }
    let mut out = anstream::stderr().lock();
    for variable in &template.variables {
        if given.contains_key(&variable.name) {
            continue;
        }
        let what = if variable.ask.is_empty() {
            &variable.name
        } else {
            &variable.ask
        };
        let choices = match variable.choices.as_slice() {
            [] => String::new(),
            some => format!(" ({})", some.join(", ")),
        };
        let usual = variable.default.as_ref().map(|it| format!(" [{it}]"));
        let question = format!("{what}{choices}{}: ", usual.unwrap_or_default());
        write!(out, "{}", visible(&question))?;
        out.flush()?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        let value = line.trim();
        // Nothing is the default, or is told as missing.
        if !value.is_empty() {
            given.insert(variable.name.clone(), value.to_owned());
        }
    }
    Ok(())
}

fn list(templates: &Templates) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    for template in templates.all() {
        let whose = paint(FAINT, format!("({})", template.owner.name()));
        let name = visible(&template.name).into_owned();
        let description = visible(&template.description);
        writeln!(out, "{} {description} {whose}", paint(HEAD, name))?;
        for variable in &template.variables {
            let mut line = format!("  {}=…  {}", variable.name, variable.ask);
            if !variable.choices.is_empty() {
                line = format!("{line} ({})", variable.choices.join(", "));
            }
            if let Some(default) = &variable.default {
                line = format!("{line} [{default}]");
            }
            writeln!(out, "{}", visible(&line))?;
        }
    }
    for file in &templates.files {
        for problem in &file.problems {
            let message = visible(&problem.message);
            writeln!(out, "{} {message}", paint(BAD, visible(file.path.as_str())))?;
        }
    }
    out.flush()
}
