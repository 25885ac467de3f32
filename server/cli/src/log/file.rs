//! A file that begins anew when it is full. Several servers may write the same one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};

/// Bytes after which the file begins anew.
const FULL: u64 = 4 << 20;
/// Files that are kept beside it.
const KEPT: u32 = 3;

/// A log file, opened when it is first written.
pub(super) struct LogFile {
    path: Utf8PathBuf,
    file: Option<File>,
    /// Bytes of it, as far as this process knows.
    size: u64,
    is_wanted: bool,
    /// It was named on the command line, which has the last word.
    is_fixed: bool,
}

impl LogFile {
    /// The one that is written unless the settings say otherwise. That it cannot be is no reason to stop.
    pub(super) fn usual(path: Utf8PathBuf) -> Self {
        Self {
            path,
            file: None,
            size: 0,
            is_wanted: true,
            is_fixed: false,
        }
    }

    /// One that somebody has asked for.
    pub(super) fn asked_for(path: Utf8PathBuf) -> io::Result<Self> {
        let mut log = Self {
            is_fixed: true,
            ..Self::usual(path)
        };
        log.open()?;
        Ok(log)
    }

    pub(super) fn set_wanted(&mut self, is_wanted: bool) {
        self.is_wanted = is_wanted || self.is_fixed;
        if !self.is_wanted {
            self.file = None;
        }
    }

    pub(super) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        if !self.is_wanted {
            return Ok(());
        }
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if self.size.saturating_add(length) > FULL {
            self.begin_anew()?;
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.open()?,
        };
        file.write_all(text)?;
        self.size = self.size.saturating_add(length);
        Ok(())
    }

    fn open(&mut self) -> io::Result<&mut File> {
        if let Some(folder) = self.path.parent().filter(|it| !it.as_str().is_empty()) {
            let mut builder = DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(folder)?;
        }
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&self.path)?;
        self.size = file.metadata()?.len();
        Ok(self.file.insert(file))
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        self.file = None;
        // Another server may have done it a moment ago.
        let size = fs::metadata(&self.path).map_or(0, |data| data.len());
        if size >= FULL / 2 {
            for number in (1..KEPT).rev() {
                let _there_was_none = fs::rename(
                    numbered(&self.path, number),
                    numbered(&self.path, number + 1),
                );
            }
            fs::rename(&self.path, numbered(&self.path, 1))?;
        }
        self.open().map(drop)
    }
}

fn numbered(path: &Utf8Path, number: u32) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{path}.{number}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_full_file_begins_anew_and_no_more_than_four_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let path = folder.join("log/pleach.log");
        let mut logs = [(); 2].map(|()| LogFile::usual(path.clone()));
        let line = vec![b'x'; 1 << 20];
        for round in 0..20 {
            for log in &mut logs {
                log.write(&line).unwrap();
            }
            let count = path.parent().unwrap().read_dir_utf8().unwrap().count();
            assert!(count <= 4, "{count} in round {round}");
        }
        for entry in path.parent().unwrap().read_dir_utf8().unwrap() {
            let size = entry.unwrap().metadata().unwrap().len();
            // Two write to it, and each knows only what it has written itself.
            assert!(size <= 2 * FULL, "{size}");
        }
        let [mut log, _] = logs;
        log.set_wanted(false);
        let before = fs::metadata(&path).unwrap().len();
        log.write(b"not this").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), before);
    }
}
