//! Between an editor's URIs and paths. Pure: the disk is not asked.

use camino::{Utf8Path, Utf8PathBuf};

/// The absolute path that a `file:` URI stands for; `None` when it stands for no local file.
///
/// Editors write the same path in different ways: Neovim leaves `:` as it is, VS Code writes `%3A`,
/// some leave spaces and letters beyond ASCII unencoded. All of these are read. A `%` that does not
/// begin an escape is itself.
///
/// ```
/// use pleach_workspace::path_from_uri;
///
/// let path = path_from_uri("file:///home/ana/a%20b/gr%C3%B6%C3%9Fe.rs");
/// assert_eq!(path.as_deref().map(|path| path.as_str()), Some("/home/ana/a b/größe.rs"));
/// assert_eq!(path_from_uri("untitled:Untitled-1"), None);
/// ```
pub fn path_from_uri(uri: &str) -> Option<Utf8PathBuf> {
    from_uri(uri, cfg!(windows))
}

/// A `file:` URI for an absolute path, for files that the editor has not named itself.
///
/// ```
/// use pleach_workspace::{path_from_uri, uri_from_path};
///
/// let uri = uri_from_path("/home/ana/a b/größe#1.rs".into());
/// assert_eq!(uri, "file:///home/ana/a%20b/gr%C3%B6%C3%9Fe%231.rs");
/// assert_eq!(path_from_uri(&uri).as_deref(), Some("/home/ana/a b/größe#1.rs".into()));
/// ```
pub fn uri_from_path(path: &Utf8Path) -> String {
    to_uri(path.as_str(), cfg!(windows))
}

fn from_uri(uri: &str, windows: bool) -> Option<Utf8PathBuf> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("file") {
        return None;
    }
    // RFC 3986: the query begins at the first `?`, the fragment at the first `#`.
    let rest = rest.split(['?', '#']).next()?;
    let (host, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/')?),
        None => ("", rest),
    };
    let host = if host.eq_ignore_ascii_case("localhost") {
        ""
    } else {
        host
    };
    let path = decode(path)?;
    if !path.starts_with('/') || path.contains('\0') {
        return None;
    }
    match (windows, host) {
        (false, "") => Some(path.into()),
        (false, _) => None,
        (true, "") => {
            let drive = path
                .strip_prefix('/')
                .filter(|path| begins_with_drive(path));
            Some(
                drive
                    .map_or(path.clone(), str::to_owned)
                    .replace('/', "\\")
                    .into(),
            )
        }
        (true, host) => Some(format!("\\\\{host}{path}").replace('/', "\\").into()),
    }
}

fn to_uri(path: &str, windows: bool) -> String {
    let path = if windows {
        path.replace('\\', "/")
    } else {
        path.to_owned()
    };
    let (head, path) = match path.strip_prefix("//") {
        Some(share) if windows => ("file://", share),
        _ if windows && begins_with_drive(&path) => ("file:///", path.as_str()),
        _ => ("file://", path.as_str()),
    };
    let mut uri = head.to_owned();
    for byte in path.bytes() {
        if is_plain(byte) {
            uri.push(char::from(byte));
        } else {
            uri.push('%');
            for half in [byte >> 4, byte & 15] {
                uri.extend(char::from_digit(u32::from(half), 16).map(|c| c.to_ascii_uppercase()));
            }
        }
    }
    uri
}

/// `c:` or `c:/…`.
fn begins_with_drive(path: &str) -> bool {
    let mut chars = path.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':')
}

/// Characters that stand for themselves in the path of a URI: RFC 3986, `pchar`, and `/`.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte)
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%').then(|| after.split_at_checked(2)).flatten();
        let escaped = escaped.and_then(|(digits, after)| Some((hex(digits)?, after)));
        let (byte, after) = escaped.unwrap_or((first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

fn hex(digits: &[u8]) -> Option<u8> {
    // `from_str_radix` would take a sign.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix(uri: &str) -> Option<String> {
        from_uri(uri, false).map(Utf8PathBuf::into_string)
    }

    fn windows(uri: &str) -> Option<String> {
        from_uri(uri, true).map(Utf8PathBuf::into_string)
    }

    #[test]
    fn the_ways_in_which_editors_write_a_path_are_all_read() {
        for uri in [
            "file:///a%20b/%C3%BC.rs",
            "file:///a b/ü.rs",
            "file:///a%20b/ü.rs",
            "FILE:///a%20b/%c3%bc.rs",
            "file://localhost/a%20b/%C3%BC.rs",
            "file:/a%20b/%C3%BC.rs",
        ] {
            assert_eq!(unix(uri).as_deref(), Some("/a b/ü.rs"), "{uri}");
        }
    }

    #[test]
    fn what_is_no_local_file_has_no_path() {
        for uri in [
            "untitled:Untitled-1",
            "git:/a.rs?HEAD",
            "file://server/share/a.rs",
            "file://",
            "file:a.rs",
            "file:///a%00b",
            "file:///%FF.rs",
            "no uri at all",
            "",
        ] {
            assert_eq!(unix(uri), None, "{uri}");
        }
    }

    #[test]
    fn a_percent_sign_that_escapes_nothing_is_itself() {
        assert_eq!(unix("file:///100%.txt").as_deref(), Some("/100%.txt"));
        assert_eq!(unix("file:///a%zzb%+1").as_deref(), Some("/a%zzb%+1"));
        assert_eq!(unix("file:///100%25.txt").as_deref(), Some("/100%.txt"));
    }

    #[test]
    fn drives_and_shares_of_windows() {
        for uri in ["file:///c%3A/dir/a.rs", "file:///c:/dir/a.rs"] {
            assert_eq!(windows(uri).as_deref(), Some("c:\\dir\\a.rs"), "{uri}");
        }
        assert_eq!(
            windows("file://server/share/a.rs").as_deref(),
            Some("\\\\server\\share\\a.rs")
        );
        assert_eq!(to_uri("c:\\dir\\a b.rs", true), "file:///c:/dir/a%20b.rs");
        assert_eq!(
            to_uri("\\\\server\\share\\a.rs", true),
            "file://server/share/a.rs"
        );
    }

    #[test]
    fn every_path_comes_back_from_its_uri() {
        for path in [
            "/",
            "/a b/c",
            "/%41",
            "/a?b#c",
            "/größe/日本語.rs",
            "/c:/x",
            "/a+b&c;d",
        ] {
            assert_eq!(unix(&to_uri(path, false)).as_deref(), Some(path), "{path}");
        }
    }
}
