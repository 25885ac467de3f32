//! The state folder: answers that could not land, and landings that were interrupted.

use pleach_store::AnswerStore;
use pleach_workspace::Journal;

use super::Finding;
use crate::environment::Environment;

pub(super) fn look(environment: &Environment, findings: &mut Vec<Finding>) {
    const AREA: &str = "kept answers";
    let folder = environment.state_dir.join("answers");
    let written = AnswerStore::open(&environment.state_dir)
        .map_err(|error| error.to_string())
        .and_then(|store| {
            // A folder that is there may still be read-only, or its disk full.
            let probe = tempfile::NamedTempFile::new_in(store.folder());
            probe
                .map(drop)
                .map_err(|error| format!("{folder} cannot be written: {error}"))
        });
    findings.push(match written {
        Ok(()) => Finding::good(AREA, folder.to_string()),
        Err(error) => Finding::bad(
            AREA,
            error,
            "until then an answer that cannot land is lost; another folder can be named by\n\
             PLEACH_STATE_DIR",
        ),
    });
    landings(environment, findings);
}

/// Only what is wrong is told: mostly no landing was ever interrupted.
fn landings(environment: &Environment, findings: &mut Vec<Finding>) {
    const AREA: &str = "landings";
    match Journal::new(&environment.state_dir).interrupted() {
        Ok(folders) => findings.extend(folders.iter().map(|folder| {
            Finding::bad(
                AREA,
                format!("files in {folder} are half-way: writing them was interrupted"),
                format!("`pleach recover {folder}` finishes it or takes it back"),
            )
        })),
        Err(error) => findings.push(Finding::bad(
            AREA,
            error.to_string(),
            "mend what the message names; until then closed files cannot be written",
        )),
    }
}
