//! The view of all files at one moment.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use camino::{Utf8Path, Utf8PathBuf};
use dashmap::DashMap;
use pleach_grammars::Language;
use pleach_policy::{PathRules, names_a_device, refuse_device};
use ropey::Rope;

use crate::confine;
use crate::error::{PathError, ReadError};
use crate::landing::Place;
use crate::listing;
use crate::read::{MAX_FILE_BYTES, read};
use crate::roots::{Located, Purpose, Roots};
use crate::uri::{path_from_uri, uri_from_path};

/// A document that is open in the editor.
#[derive(Debug, Clone)]
pub struct OpenDocument {
    /// As the editor writes it, byte for byte.
    pub uri: String,
    /// The file that it is, absolute; `None` when it is none yet.
    pub path: Option<Utf8PathBuf>,
    /// Its text now, saved or not.
    pub text: Rope,
    /// Its language, if one was recognised.
    pub language: Option<Language>,
    /// Its version, as the editor counts.
    pub version: i32,
}

/// The text of a file at the moment of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileText {
    /// What the file is called in the workspace.
    pub name: String,
    /// The text, with its byte order mark if it has one.
    pub text: Arc<str>,
    /// The version of the open document that it comes from; `None` when it comes from the disk.
    pub version: Option<i32>,
}

/// An immutable view of a workspace: open documents first, the disk behind them. Cheap to clone and
/// free to send between threads.
///
/// What touches the disk says so. `new`, `name_of` and `locate` answer from memory (but for `locate`
/// with several folders, which may ask whether a file exists).
#[derive(Debug, Clone)]
pub struct WorkspaceSnapshot {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// As they were given; empty when no folder is open.
    given_roots: Vec<Utf8PathBuf>,
    roots: Roots,
    rules: PathRules,
    files: BTreeMap<Utf8PathBuf, OpenDocument>,
    /// Documents that are no file yet, by what they are called.
    unsaved: BTreeMap<String, OpenDocument>,
    real_folders: OnceLock<Vec<Utf8PathBuf>>,
    /// Open documents under no root by their letters that are in one by a link: the path in the root,
    /// and the document's.
    strays: OnceLock<BTreeMap<Utf8PathBuf, Utf8PathBuf>>,
    names: OnceLock<Vec<String>>,
    /// Texts that were read, by what the file is really called: whatever happens to the disk meanwhile,
    /// everybody who shares this snapshot sees one text of a file. Several threads read at a time.
    texts: DashMap<Utf8PathBuf, Arc<str>>,
}

impl WorkspaceSnapshot {
    /// The workspace with the folders `roots` (absolute) and the documents `open`, under `rules`.
    /// Without any root, the folders of the open documents are the workspace.
    pub fn new(
        roots: &[Utf8PathBuf],
        open: impl IntoIterator<Item = OpenDocument>,
        rules: PathRules,
    ) -> Self {
        let mut files = BTreeMap::new();
        let mut unsaved = BTreeMap::new();
        for document in open {
            match &document.path {
                Some(path) => {
                    files.insert(path.clone(), document);
                }
                None => {
                    if let Some(name) = unsaved_name(&document.uri) {
                        unsaved.insert(name.to_owned(), document);
                    }
                }
            }
        }
        let inner = Inner {
            given_roots: roots.to_vec(),
            roots: Roots::new(roots, files.keys().map(Utf8PathBuf::as_path)),
            rules,
            files,
            unsaved,
            real_folders: OnceLock::new(),
            strays: OnceLock::new(),
            names: OnceLock::new(),
            texts: DashMap::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The same workspace with these texts in the places of files, as if they were open documents.
    #[must_use]
    pub fn with_texts(&self, texts: impl IntoIterator<Item = (String, Arc<str>)>) -> Self {
        let mut files = self.inner.files.clone();
        let mut unsaved = self.inner.unsaved.clone();
        for (name, text) in texts {
            let text = Rope::from_str(&text);
            if let Some(document) = unsaved.get_mut(&name) {
                document.text = text;
                continue;
            }
            let Ok(located) = self.locate(&name) else {
                continue;
            };
            let path = located.path;
            if let Some(document) = files.get_mut(&path) {
                document.text = text;
                continue;
            }
            let document = OpenDocument {
                uri: uri_from_path(&path),
                path: Some(path.clone()),
                text,
                language: None,
                version: 0,
            };
            files.insert(path, document);
        }
        let open = files.into_values().chain(unsaved.into_values());
        Self::new(&self.inner.given_roots, open, self.inner.rules.clone())
    }

    /// The folders that the editor opened, absolute, in its order.
    pub fn roots(&self) -> &[Utf8PathBuf] {
        &self.inner.given_roots
    }

    /// What the names of files begin with, for each of several folders that the editor opened; nothing where
    /// it opened one or none.
    pub fn root_names(&self) -> Vec<&str> {
        if self.inner.given_roots.len() < 2 {
            return Vec::new();
        }
        self.inner.roots.names().collect()
    }

    /// What the document `uri` is called in the workspace, if it may be edited.
    pub fn name_of(&self, uri: &str) -> Result<String, PathError> {
        self.name_for(uri, Purpose::Edit)
    }

    /// What the document `uri` is called in the workspace, if it may be read: build servers' and
    /// editors' files may, though they are not edited.
    pub fn name_to_read(&self, uri: &str) -> Result<String, PathError> {
        self.name_for(uri, Purpose::Read)
    }

    fn name_for(&self, uri: &str, purpose: Purpose) -> Result<String, PathError> {
        if let Some(name) = unsaved_name(uri) {
            return Ok(name.to_owned());
        }
        let path = path_from_uri(uri).ok_or_else(|| PathError::NotAFile {
            uri: uri.to_owned(),
        })?;
        self.at(&path, purpose).map(|located| located.name)
    }

    /// The URI of the file called `path`: the editor's own when the file is open.
    pub fn uri_of(&self, path: &str) -> Result<String, PathError> {
        self.uri_at(path, Self::locate)
    }

    /// As [`WorkspaceSnapshot::uri_of`], of a file that may be read, whether it may be edited or not.
    pub fn uri_to_read(&self, path: &str) -> Result<String, PathError> {
        self.uri_at(path, Self::to_read)
    }

    fn uri_at(
        &self,
        path: &str,
        locate: impl Fn(&Self, &str) -> Result<Located, PathError>,
    ) -> Result<String, PathError> {
        if let Some(document) = self.inner.unsaved.get(path) {
            return Ok(document.uri.clone());
        }
        let located = locate(self, path)?;
        Ok(match self.document_at(&located.path) {
            Some(document) => document.uri.clone(),
            None => uri_from_path(&located.path),
        })
    }

    /// The file that `path` stands for, by its letters: in the workspace, and allowed by the rules.
    /// `path` is a name, a path relative to a folder, or absolute.
    pub fn locate(&self, path: &str) -> Result<Located, PathError> {
        let located = self.locate_for(path, Purpose::Edit)?;
        if names_a_device(&located.name) && !self.is_there(&located.path) {
            return Err(refuse_device(&located.name).into());
        }
        Ok(located)
    }

    /// As [`WorkspaceSnapshot::locate`], for reading.
    pub(crate) fn to_read(&self, path: &str) -> Result<Located, PathError> {
        self.locate_for(path, Purpose::Read)
    }

    /// The open documents that are in the workspace and may be read, by what they are called.
    pub fn open_documents(&self) -> impl Iterator<Item = (String, &OpenDocument)> {
        let files = self.inner.files.iter();
        files.filter_map(|(path, document)| {
            let located = self.at(path, Purpose::Read).ok()?;
            Some((located.name, document))
        })
    }

    fn locate_for(&self, path: &str, purpose: Purpose) -> Result<Located, PathError> {
        if Utf8Path::new(path).is_absolute() {
            return self.at(path.into(), purpose);
        }
        let exists = |path: &Utf8Path| self.is_there(path);
        self.inner
            .roots
            .named(path, &self.inner.rules, purpose, exists)
    }

    /// The file that `path` stands for, with every link on the way followed; its
    /// [`path`](Located::path) has no link in it. Asks the disk.
    ///
    /// The file need not exist. A link that leads out of the workspace, or to a denied file, is an
    /// error wherever it stands in the path.
    pub fn resolve(&self, path: &str) -> Result<Located, PathError> {
        let located = self.locate(path)?;
        let path = self.follow(&located.path, Purpose::Edit)?;
        Ok(Located {
            name: located.name,
            path,
        })
    }

    /// The file at an absolute path.
    pub(crate) fn at(&self, path: &Utf8Path, purpose: Purpose) -> Result<Located, PathError> {
        let (roots, rules) = (&self.inner.roots, &self.inner.rules);
        match roots.at(path, rules, purpose) {
            Err(PathError::Outside { .. }) => {
                // An editor may call a folder by a link and its files by their real paths.
                let inside = self.inside(path);
                roots.at(inside.as_deref().unwrap_or(path), rules, purpose)
            }
            result => result,
        }
    }

    /// For a path under no root by its letters: the path under a root that leads to the same file.
    fn inside(&self, path: &Utf8Path) -> Option<Utf8PathBuf> {
        let real = path.canonicalize_utf8().ok()?;
        let folders = self.inner.roots.paths().zip(self.real_folders());
        folders
            .filter_map(|(folder, real_folder)| {
                Some(folder.join(real.strip_prefix(real_folder).ok()?))
            })
            .max_by_key(|path| path.components().count())
    }

    pub(crate) fn follow(
        &self,
        path: &Utf8Path,
        purpose: Purpose,
    ) -> Result<Utf8PathBuf, PathError> {
        confine::follow(path, self.real_folders(), &self.inner.rules, purpose)
            .map(|place| place.absolute())
    }

    /// Where the file called `name` is written: as [`WorkspaceSnapshot::resolve`] finds it.
    pub(crate) fn place_of(&self, name: &str) -> Result<Place, PathError> {
        self.place_at(&self.locate(name)?.path)
    }

    /// The place at an absolute path, with every link followed.
    pub(crate) fn place_at(&self, path: &Utf8Path) -> Result<Place, PathError> {
        let (folders, rules) = (self.real_folders(), &self.inner.rules);
        confine::follow(path, folders, rules, Purpose::Edit)
    }

    /// What a place is called to people.
    pub(crate) fn name_of_place(&self, place: &Place) -> String {
        self.at(&place.absolute(), Purpose::Edit)
            .map_or_else(|_| place.path.to_string(), |located| located.name)
    }

    pub(crate) fn real_folders(&self) -> &[Utf8PathBuf] {
        let inner = &self.inner;
        inner
            .real_folders
            .get_or_init(|| confine::real_folders(inner.roots.paths()))
    }

    /// The open document at an absolute path in the workspace.
    fn document_at(&self, path: &Utf8Path) -> Option<&OpenDocument> {
        self.inner.files.get(path).or_else(|| {
            let strays = self.inner.strays.get_or_init(|| self.find_strays());
            self.inner.files.get(strays.get(path)?)
        })
    }

    fn find_strays(&self) -> BTreeMap<Utf8PathBuf, Utf8PathBuf> {
        let roots = &self.inner.roots;
        let outside = self
            .inner
            .files
            .keys()
            .filter(|path| !roots.paths().any(|folder| path.starts_with(folder)));
        outside
            .filter_map(|path| Some((self.inside(path)?, path.clone())))
            .collect()
    }

    /// Whether there is anything at an absolute path: a document, a file, a folder, a broken link.
    fn is_there(&self, path: &Utf8Path) -> bool {
        self.document_at(path).is_some() || path.symlink_metadata().is_ok()
    }

    /// Whether there is a file of that name, or anything else that a new file would collide with.
    /// What may not be read does not exist. Asks the disk.
    pub fn exists(&self, path: &str) -> bool {
        self.inner.unsaved.contains_key(path)
            || self
                .locate_for(path, Purpose::Read)
                .is_ok_and(|located| self.is_there(&located.path))
    }

    /// The text of the file called `path`, if it may be read: the same text each time. Asks the disk,
    /// for an open document as well: the file that it belongs to must not be a link out of the workspace.
    pub fn read(&self, path: &str) -> Result<FileText, ReadError> {
        if let Some(document) = self.inner.unsaved.get(path) {
            return Ok(of_document(path.to_owned(), document));
        }
        let located = self.locate_for(path, Purpose::Read)?;
        let document = self.document_at(&located.path);
        let real = self.follow(&located.path, Purpose::Read)?;
        // The same file may be open under its real path, and named by a link.
        if let Some(document) = document.or_else(|| self.document_at(&real)) {
            return Ok(of_document(located.name, document));
        }
        Ok(FileText {
            text: self.text_on_disk(&real, &located.name)?,
            name: located.name,
            version: None,
        })
    }

    /// The text of the file at `real` as it was when it was first read.
    fn text_on_disk(&self, real: &Utf8Path, name: &str) -> Result<Arc<str>, ReadError> {
        let texts = &self.inner.texts;
        if let Some(text) = texts.get(real) {
            return Ok(Arc::clone(&text));
        }
        // Read without holding the entry: of two who read at the same time, the first to finish counts.
        let text = read(real, name, MAX_FILE_BYTES)?;
        let entry = texts.entry(real.to_owned());
        Ok(Arc::clone(&entry.or_insert_with(|| text.into())))
    }

    /// As [`WorkspaceSnapshot::read`], the text alone.
    pub fn read_text(&self, path: &str) -> Result<Arc<str>, ReadError> {
        self.read(path).map(|file| file.text)
    }

    /// The text of a root's settings file as it is on disk: what is being typed in it does not count
    /// until it is saved. `None` when there is none that may be read. Asks the disk.
    ///
    /// The rules say nothing about it: it is for Pleach, not for an agent.
    pub fn read_settings(&self, path: &Utf8Path) -> Option<String> {
        /// No settings file has a reason to be larger.
        const LIMIT: u64 = 1 << 20;
        let real = path.canonicalize_utf8().ok()?;
        if !self
            .real_folders()
            .iter()
            .any(|folder| real.starts_with(folder))
        {
            return None;
        }
        read(&real, path.as_str(), LIMIT).ok()
    }

    /// What the files of the workspace are called, open or on disk, sorted; without those that
    /// version control ignores, hidden ones, and those that the rules deny. Bounded: in a huge
    /// workspace some are missing. Looks through the disk at the first call.
    pub fn names(&self) -> &[String] {
        self.inner.names.get_or_init(|| {
            let roots = &self.inner.roots;
            let depth = if roots.are_guessed() {
                1
            } else {
                listing::MAX_DEPTH
            };
            let on_disk = roots
                .paths()
                .flat_map(|folder| listing::files_under(folder, depth));
            let open = self.inner.files.keys().cloned();
            let mut names: BTreeSet<String> = on_disk
                .chain(open)
                .filter_map(|path| self.at(&path, Purpose::Read).ok())
                .map(|located| located.name)
                .collect();
            names.extend(self.inner.unsaved.keys().cloned());
            names.into_iter().collect()
        })
    }

    /// A file's name in two parts: what it begins with because the workspace has several folders (with
    /// a `/`, empty for a workspace of one), and what is relative to its folder.
    pub fn split_name<'n>(&self, name: &'n str) -> (&'n str, &'n str) {
        self.inner.roots.split(name)
    }

    /// What the files below `folder` (a name) are called, hidden ones too: for folders that tools keep
    /// a few files of their own in. Those that may not be read are missing. Asks the disk.
    pub fn files_of(&self, folder: &str) -> Vec<String> {
        let Ok(located) = self.locate_for(folder, Purpose::Read) else {
            return Vec::new();
        };
        listing::files_of(&located.path)
            .iter()
            .filter_map(|path| self.at(path, Purpose::Read).ok())
            .map(|located| located.name)
            .collect()
    }

    /// The files of one language, the nearest to `path` first: in the same folder, then in folders
    /// close by. At most `most`. For an engine that looks where a thing is used or tested.
    pub fn related(&self, path: &str, language: Language, most: usize) -> Vec<String> {
        let near = |name: &str| {
            let ours: Vec<&str> = path.split('/').collect();
            let theirs: Vec<&str> = name.split('/').collect();
            let shared = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
            // Steps up from one folder and down to the other.
            (ours.len() - shared) + (theirs.len() - shared)
        };
        let mut names: Vec<&String> = self
            .names()
            .iter()
            .filter(|name| name.as_str() != path && Language::from_path(name) == Some(language))
            .collect();
        names.sort_by_cached_key(|name| near(name));
        names.into_iter().take(most).cloned().collect()
    }
}

impl pleach_edit::Files for WorkspaceSnapshot {
    fn read(&self, path: &str) -> Option<Cow<'_, str>> {
        let file = WorkspaceSnapshot::read(self, path).ok()?;
        Some(Cow::Owned(file.text.as_ref().to_owned()))
    }

    fn unreadable(&self, path: &str) -> Option<String> {
        match WorkspaceSnapshot::read(self, path) {
            Ok(_) | Err(ReadError::Path(_) | ReadError::NotFound { .. }) => None,
            Err(problem) => Some(problem.to_string()),
        }
    }

    fn paths(&self) -> Vec<String> {
        self.names().to_vec()
    }
}

fn of_document(name: String, document: &OpenDocument) -> FileText {
    let text = document.text.to_string().into();
    FileText {
        name,
        text,
        version: Some(document.version),
    }
}

/// What a document is called that is no file yet: the last part of its URI.
fn unsaved_name(uri: &str) -> Option<&str> {
    let rest = uri.strip_prefix("untitled:")?;
    let name = rest.rsplit('/').next().unwrap_or(rest);
    Some(if name.is_empty() { "untitled" } else { name })
}
