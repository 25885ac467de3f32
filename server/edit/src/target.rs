//! Which file a path of a reply means.

use std::collections::HashMap;

use crate::formats::paths;
use crate::{EditRequest, Files};

/// Why a path is no file of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unresolved {
    /// It leads outside.
    Outside,
    /// Several files end in it.
    Several(Vec<String>),
    /// There is no such file.
    Missing,
    /// No path was named, and it is not certain which file is meant.
    Unnamed,
}

/// Resolves paths, asking for the list of files only when it must.
pub(crate) struct Paths<'a> {
    files: &'a dyn Files,
    target: Option<&'a str>,
    all: Option<Vec<String>>,
    known: HashMap<String, Result<String, Unresolved>>,
}

impl<'a> Paths<'a> {
    pub(crate) fn new(request: &EditRequest<'a>) -> Self {
        Self {
            files: request.files,
            target: request.target.map(|target| target.path),
            all: None,
            known: HashMap::new(),
        }
    }

    fn all(&mut self) -> &[String] {
        let files = self.files;
        self.all.get_or_insert_with(|| files.paths())
    }

    /// The file for hunks without a path: the one that was asked about, or the only one.
    pub(crate) fn implicit(&mut self) -> Result<String, Unresolved> {
        if let Some(target) = self.target {
            return Ok(target.to_owned());
        }
        match self.all() {
            [only] => Ok(only.clone()),
            _ => Err(Unresolved::Unnamed),
        }
    }

    /// The existing file that a path means.
    pub(crate) fn existing(&mut self, path: &str) -> Result<String, Unresolved> {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        let found = self.find(path);
        self.known.insert(path.to_owned(), found.clone());
        found
    }

    fn find(&mut self, path: &str) -> Result<String, Unresolved> {
        if self.files.read(path).is_some() {
            return Ok(path.to_owned());
        }
        let tidy = paths::tidy(path);
        for prefix in ["", "a/", "b/"] {
            if let Some(rest) = tidy.strip_prefix(prefix)
                && self.files.read(rest).is_some()
            {
                return Ok(rest.to_owned());
            }
        }
        if tidy.split('/').any(|part| part == "..") {
            return Err(Unresolved::Outside);
        }
        // A path from elsewhere may name the same file with more or with fewer folders.
        let ends = |long: &str, short: &str| {
            long.strip_suffix(short)
                .is_some_and(|front| front.ends_with('/'))
        };
        let fitting: Vec<String> = self
            .all()
            .iter()
            .filter(|known| {
                ends(known, &tidy)
                    || (known.contains('/') || tidy.starts_with('/')) && ends(&tidy, known)
            })
            .cloned()
            .collect();
        match fitting.as_slice() {
            [only] => Ok(only.clone()),
            [] if !paths::is_inside(&tidy) => Err(Unresolved::Outside),
            [] => Err(Unresolved::Missing),
            _ => Err(Unresolved::Several(fitting)),
        }
    }

    /// The path of a file that may not exist yet.
    pub(crate) fn any(&mut self, path: &str) -> Result<String, Unresolved> {
        match self.existing(path) {
            Err(Unresolved::Missing | Unresolved::Several(_)) => {
                let tidy = paths::tidy(path);
                if paths::is_inside(&tidy) {
                    Ok(tidy)
                } else {
                    Err(Unresolved::Outside)
                }
            }
            found => found,
        }
    }
}
