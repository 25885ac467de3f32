//! Which folder of the workspace a path belongs to, and what it is called there. Links are not
//! followed here; see [`crate::confine`].

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_policy::{PathRefusal, PathRules, RelativePath, check_path, check_reading};

use crate::error::PathError;

/// What a path is wanted for: more may be read than may be edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Read,
    Edit,
}

impl Purpose {
    pub(crate) fn check(self, path: &str, rules: &PathRules) -> Result<RelativePath, PathRefusal> {
        match self {
            Self::Read => check_reading(path, rules),
            Self::Edit => check_path(path, rules),
        }
    }
}

/// A file in the workspace that the rules allow, whether or not it exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// What it is called: relative to its folder, and beginning with the folder's name when the
    /// workspace has several.
    pub name: String,
    /// Where it is, absolute.
    pub path: Utf8PathBuf,
}

/// The folders of a workspace.
#[derive(Debug)]
pub(crate) struct Roots {
    folders: Vec<Folder>,
    /// No folder was opened: the folders are those of the open documents, and none comes first.
    rootless: bool,
}

#[derive(Debug)]
struct Folder {
    /// The last part of its path, made unique.
    name: String,
    path: Utf8PathBuf,
}

impl Roots {
    /// The folders `paths`; when there are none, the folders that `documents` lie in.
    pub(crate) fn new<'a>(
        paths: &[Utf8PathBuf],
        documents: impl Iterator<Item = &'a Utf8Path>,
    ) -> Self {
        let rootless = paths.is_empty();
        let paths: Vec<Utf8PathBuf> = if rootless {
            let parents: BTreeSet<_> = documents.filter_map(Utf8Path::parent).collect();
            parents.into_iter().map(Utf8Path::to_owned).collect()
        } else {
            paths.to_vec()
        };
        let mut names = BTreeSet::new();
        let mut folders = Vec::with_capacity(paths.len());
        for path in paths {
            let own = path.file_name().unwrap_or("root");
            let mut name = own.to_owned();
            let mut number = 2;
            while !names.insert(name.clone()) {
                name = format!("{own}-{number}");
                number += 1;
            }
            folders.push(Folder { name, path });
        }
        Self { folders, rootless }
    }

    /// What the folders are called in names of files, where there are several.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.folders.iter().map(|folder| folder.name.as_str())
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &Utf8Path> {
        self.folders.iter().map(|folder| folder.path.as_path())
    }

    /// Whether no folder was opened, so that these are only where the open documents happen to lie.
    pub(crate) fn are_guessed(&self) -> bool {
        self.rootless
    }

    /// The file at an absolute path: in the innermost folder that holds it.
    pub(crate) fn at(
        &self,
        path: &Utf8Path,
        rules: &PathRules,
        purpose: Purpose,
    ) -> Result<Located, PathError> {
        let inside = self.folders.iter().filter_map(|folder| {
            let relative = path.strip_prefix(&folder.path).ok()?;
            Some((folder, relative))
        });
        let innermost = inside.max_by_key(|(folder, _)| folder.path.components().count());
        let (folder, relative) = innermost.ok_or_else(|| PathError::Outside {
            path: path.to_string(),
        })?;
        self.in_folder(folder, relative.as_str(), rules, purpose)
    }

    /// The file that a relative path stands for. `exists` tells whether there is a file at an
    /// absolute path; it is asked only when several folders are open.
    ///
    /// With several folders a name that begins with a folder's name means that folder, as names do
    /// that Pleach itself gives. Any other path means the one folder that has such a file; a new file
    /// belongs to the first folder.
    pub(crate) fn named(
        &self,
        given: &str,
        rules: &PathRules,
        purpose: Purpose,
        exists: impl Fn(&Utf8Path) -> bool,
    ) -> Result<Located, PathError> {
        if let [only] = self.folders.as_slice() {
            return self.in_folder(only, given, rules, purpose);
        }
        let prefixed = self
            .prefixed(given)
            .map(|(folder, rest)| self.in_folder(folder, rest, rules, purpose));
        if let Some(Ok(located)) = &prefixed
            && exists(&located.path)
        {
            return Ok(located.clone());
        }
        let mut plain = Vec::new();
        for folder in &self.folders {
            let located = self.in_folder(folder, given, rules, purpose)?;
            if exists(&located.path) {
                plain.push(located);
            }
        }
        match (plain.as_slice(), prefixed) {
            ([only], _) => Ok(only.clone()),
            ([], Some(prefixed)) => prefixed,
            ([], None) => match self.folders.first() {
                Some(first) if !self.rootless => self.in_folder(first, given, rules, purpose),
                _ => Err(PathError::Outside {
                    path: given.to_owned(),
                }),
            },
            (several, _) => Err(PathError::Ambiguous {
                path: given.to_owned(),
                places: several
                    .iter()
                    .map(|place| format!("`{}`", place.name))
                    .collect(),
            }),
        }
    }

    /// What the name of a file begins with because there are several folders, with its `/`, and the
    /// rest, which is relative to its folder.
    pub(crate) fn split<'n>(&self, name: &'n str) -> (&'n str, &'n str) {
        match self.prefixed(name) {
            Some((_, rest)) if self.folders.len() > 1 => name.split_at(name.len() - rest.len()),
            _ => ("", name),
        }
    }

    /// The folder whose name `given` begins with, and what follows.
    fn prefixed<'a>(&self, given: &'a str) -> Option<(&Folder, &'a str)> {
        let (first, rest) = given.split_once('/')?;
        let folder = self.folders.iter().find(|folder| folder.name == first)?;
        Some((folder, rest))
    }

    fn in_folder(
        &self,
        folder: &Folder,
        relative: &str,
        rules: &PathRules,
        purpose: Purpose,
    ) -> Result<Located, PathError> {
        let relative = purpose.check(relative, rules)?;
        let relative = relative.as_str();
        let name = match self.folders.len() {
            1 => relative.to_owned(),
            _ => format!("{}/{relative}", folder.name),
        };
        Ok(Located {
            name,
            path: folder.path.join(relative),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The name of `given` in folders `folders`, where the files `files` exist.
    fn name(folders: &[&str], files: &[&str], given: &str) -> Result<String, String> {
        let folders: Vec<Utf8PathBuf> = folders.iter().map(Utf8PathBuf::from).collect();
        let roots = Roots::new(&folders, std::iter::empty());
        let exists = |path: &Utf8Path| files.contains(&path.as_str());
        let rules = PathRules::default();
        let found = if given.starts_with('/') {
            roots.at(given.into(), &rules, Purpose::Edit)
        } else {
            roots.named(given, &rules, Purpose::Edit, exists)
        };
        found
            .map(|located| located.path.into_string())
            .map_err(|error| error.code().to_owned())
    }

    #[test]
    fn one_folder_needs_no_name() {
        assert_eq!(
            name(&["/w/app"], &[], "src/a.rs").as_deref(),
            Ok("/w/app/src/a.rs")
        );
        assert_eq!(
            name(&["/w/app"], &[], "app/a.rs").as_deref(),
            Ok("/w/app/app/a.rs")
        );
        assert_eq!(
            name(&["/w/app"], &[], "/w/app/a.rs").as_deref(),
            Ok("/w/app/a.rs")
        );
        assert_eq!(
            name(&["/w/app"], &[], "/w/apple/a.rs"),
            Err("outside-workspace".into())
        );
    }

    #[test]
    fn several_folders_are_told_apart_by_name_or_by_what_they_hold() {
        let folders = ["/w/app", "/w/lib"];
        let files = [
            "/w/lib/only.rs",
            "/w/app/both.rs",
            "/w/lib/both.rs",
            "/w/app/lib/x.rs",
        ];
        let name = |given| name(&folders, &files, given);
        assert_eq!(name("lib/only.rs").as_deref(), Ok("/w/lib/only.rs"));
        assert_eq!(name("only.rs").as_deref(), Ok("/w/lib/only.rs"));
        assert_eq!(name("both.rs"), Err("ambiguous-path".into()));
        assert_eq!(name("lib/x.rs").as_deref(), Ok("/w/app/lib/x.rs"));
        assert_eq!(name("lib/new.rs").as_deref(), Ok("/w/lib/new.rs"));
        assert_eq!(name("new.rs").as_deref(), Ok("/w/app/new.rs"));
    }

    #[test]
    fn a_folder_inside_another_owns_its_files() {
        assert_eq!(
            Roots::new(&["/w".into(), "/w/sub".into()], std::iter::empty())
                .at("/w/sub/a.rs".into(), &PathRules::default(), Purpose::Edit)
                .unwrap()
                .name,
            "sub/a.rs"
        );
    }

    #[test]
    fn folders_of_the_same_name_get_numbers() {
        let roots = Roots::new(&["/a/app".into(), "/b/app".into()], std::iter::empty());
        let second = roots
            .at("/b/app/x.rs".into(), &PathRules::default(), Purpose::Edit)
            .unwrap();
        assert_eq!(second.name, "app-2/x.rs");
        let again = roots
            .named(&second.name, &PathRules::default(), Purpose::Edit, |_| {
                false
            })
            .unwrap();
        assert_eq!(again, second);
    }

    #[test]
    fn without_a_folder_a_new_file_belongs_nowhere_unless_there_is_one_choice() {
        let rules = PathRules::default();
        let one = Roots::new(&[], ["/x/a.rs".into(), "/x/b.rs".into()].into_iter());
        assert_eq!(
            one.named("new.rs", &rules, Purpose::Edit, |_| false)
                .unwrap()
                .path,
            "/x/new.rs"
        );
        let two = Roots::new(&[], ["/x/a.rs".into(), "/y/b.rs".into()].into_iter());
        assert!(
            two.named("new.rs", &rules, Purpose::Edit, |_| false)
                .is_err()
        );
        assert_eq!(
            two.named("y/new.rs", &rules, Purpose::Edit, |_| false)
                .unwrap()
                .path,
            "/y/new.rs"
        );
    }

    #[test]
    fn what_climbs_out_is_refused() {
        for given in ["../a.rs", "src/../../a.rs", "/w/app/../secret", "/w/app"] {
            assert!(name(&["/w/app"], &[], given).is_err(), "{given}");
            assert!(name(&["/w/app", "/w/lib"], &[], given).is_err(), "{given}");
        }
    }
}
