//! The folder for answers that could not land.

use pleach_store::AnswerStore;

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
}
