//! The folder for answers that could not land.

use pleach_store::AnswerStore;

use super::Finding;
use crate::environment::Environment;

pub(super) fn look(environment: &Environment, findings: &mut Vec<Finding>) {
    const AREA: &str = "kept answers";
    let folder = environment.state_dir.join("answers");
    let opened = AnswerStore::open(&folder)
        .map_err(|error| error.to_string())
        .and_then(|_store| {
            // A folder that is there may still be read-only, or its disk full.
            let probe = tempfile::NamedTempFile::new_in(&folder);
            probe.map(drop).map_err(|error| error.to_string())
        });
    findings.push(match opened {
        Ok(()) => Finding::good(AREA, folder.to_string()),
        Err(error) => Finding::bad(
            AREA,
            format!("{folder} cannot be written: {error}"),
            "answers that cannot land are lost until it can be; give it to your user, or set\n\
             PLEACH_STATE_DIR to a folder that you may write",
        ),
    });
}
