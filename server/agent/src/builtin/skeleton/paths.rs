//! Paths of a workspace, taken apart and put together by their letters.

/// The folder of a path, without a slash at its end; empty at the root.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The last part of a path without its last extension.
pub(super) fn stem(path: &str) -> &str {
    let name = file_name(path);
    name.rsplit_once('.')
        .filter(|(stem, _)| !stem.is_empty())
        .map_or(name, |(stem, _)| stem)
}

/// A path inside a folder.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// The way from a folder to a file, beginning with `./` or `../`.
pub(super) fn relative(from: &str, to: &str) -> String {
    let parts = |path: &str| -> Vec<String> {
        path.split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (from, to) = (parts(from), parts(to));
    let shared = from
        .iter()
        .zip(&to)
        .take_while(|(one, other)| one == other)
        .count();
    let mut way: Vec<String> = vec!["..".to_owned(); from.len() - shared];
    if way.is_empty() {
        way.push(".".to_owned());
    }
    way.extend(to.iter().skip(shared).cloned());
    way.join("/")
}

/// The folders from that of a path up to the root.
pub(super) fn folders_above(path: &str) -> impl Iterator<Item = &str> {
    let first = folder(path);
    std::iter::successors(Some(first), |folder| {
        (!folder.is_empty()).then(|| self::folder(folder))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_and_joined() {
        assert_eq!(
            (folder("a/b/c.ts"), stem("a/b/c.d.ts"), stem(".env")),
            ("a/b", "c.d", ".env")
        );
        assert_eq!(relative("a/tests", "a/src/x"), "../src/x");
        assert_eq!(relative("a", "a/x"), "./x");
        assert_eq!(relative("", "x"), "./x");
        assert_eq!(folders_above("a/b/c").collect::<Vec<_>>(), ["a/b", "a", ""]);
    }
}
