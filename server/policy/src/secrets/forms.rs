//! Secrets that are known by their form.
//!
//! The forms are those that the services document for their own scanners and for GitHub's secret
//! scanning programme (its list of supported patterns, and each service's page on its tokens), as of
//! 2026-11. Where a service says no length, the shortest that was seen is taken.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::is_example;

/// A form: what every text with it contains, and the form itself. Its group, or all of it, is the
/// secret.
const FORMS: &[(&str, &str)] = &[
    // Amazon: identifiers of keys, and keys of Bedrock.
    ("A", r"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}"),
    ("ABSK", r"ABSK[A-Za-z0-9+/]{100,}={0,2}"),
    // Google: keys, client secrets, access and refresh tokens.
    ("AIza", r"AIza[A-Za-z0-9_-]{35}"),
    ("GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{28}"),
    ("ya29.", r"ya29\.[A-Za-z0-9_-]{20,}"),
    ("1//0", r"1//0[A-Za-z0-9_-]{40,}"),
    // Azure: storage accounts and service buses, and what applications sign in with.
    (
        "Key=",
        r"(?i:AccountKey|SharedAccessKey|AccessKey)=([A-Za-z0-9+/]{40,}={0,2})",
    ),
    ("Q~", r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"),
    ("sig=", r"[?&]sig=([A-Za-z0-9%+/=]{40,})"),
    // GitHub, GitLab, Bitbucket and Atlassian.
    ("gh", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    ("github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
    (
        "gl",
        r"gl(?:pat|dt|ft|imt|rt|soat|ptt|cbt|agent|oas|ffct)-[A-Za-z0-9_.=-]{20,300}",
    ),
    ("GR1348941", r"GR1348941[A-Za-z0-9_-]{20}"),
    ("AT", r"AT(?:ATT3|BB|CTT3)[A-Za-z0-9_=-]{24,}"),
    // Slack, Discord, Telegram, Teams.
    ("xox", r"xox[abeoprs](?:\.xox[abp])?-[A-Za-z0-9-]{10,}"),
    ("xapp-", r"xapp-[0-9]-[A-Za-z0-9]+-[0-9]+-[A-Za-z0-9]+"),
    (
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/]{20,})",
    ),
    (
        "/webhooks/",
        r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/([A-Za-z0-9_-]{60,})",
    ),
    (
        ".",
        r"[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}",
    ),
    (":A", r"[0-9]{8,10}:A[A-Za-z0-9_-]{34}"),
    // Payments.
    ("k_", r"(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,}"),
    ("whsec_", r"whsec_[A-Za-z0-9+/=]{24,}"),
    ("sq0", r"sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,60}"),
    ("EAAA", r"EAAA[A-Za-z0-9+=_-]{56,}"),
    ("shp", r"shp(?:at|ca|pa|ss|tka)_[a-fA-F0-9]{32}"),
    (
        "access_token$",
        r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",
    ),
    // Models.
    (
        "sk-",
        r"sk-(?:proj|svcacct|admin|None|ant|or|lf)-[A-Za-z0-9_-]{20,}",
    ),
    ("sk-", r"sk-[A-Za-z0-9]{20,}"),
    ("hf_", r"hf_[A-Za-z0-9]{30,}"),
    ("gsk_", r"gsk_[A-Za-z0-9]{40,}"),
    ("xai-", r"xai-[A-Za-z0-9]{60,}"),
    ("pplx-", r"pplx-[A-Za-z0-9]{40,}"),
    ("r8_", r"r8_[A-Za-z0-9]{30,}"),
    ("csk-", r"csk-[a-z0-9]{40,}"),
    // Registries of packages and of images.
    ("npm_", r"npm_[A-Za-z0-9]{36}"),
    ("pypi-", r"pypi-[A-Za-z0-9_-]{50,}"),
    ("rubygems_", r"rubygems_[a-f0-9]{48}"),
    ("cio", r"cio[A-Za-z0-9]{32}"),
    ("oy2", r"oy2[a-z0-9]{43}"),
    ("dckr_", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}"),
    ("AKCp", r"AKCp[A-Za-z0-9]{69}"),
    // Clouds, hosts and what runs on them.
    ("_v1_", r"do[opr]_v1_[a-f0-9]{64}"),
    ("dapi", r"dapi[a-f0-9]{32}(?:-[0-9])?"),
    (
        "dp.",
        r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40,}",
    ),
    ("hv", r"hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    (
        ".atlasv1.",
        r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}",
    ),
    ("pul-", r"pul-[a-f0-9]{40}"),
    ("pscale_", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,64}"),
    ("nfp_", r"nfp_[A-Za-z0-9]{36}"),
    ("HRKU-", r"HRKU-[A-Za-z0-9_-]{36,}"),
    ("FlyV1 ", r"FlyV1 (fm[12][a-z]?_[A-Za-z0-9+/=,_]{80,})"),
    ("sb", r"sb(?:p|_secret)_[A-Za-z0-9_-]{30,}"),
    ("LTAI", r"LTAI[A-Za-z0-9]{17,26}"),
    ("AKID", r"AKID[A-Za-z0-9]{32,}"),
    // What watches, mails, plans and draws.
    ("SG.", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    ("SK", r"SK[a-f0-9]{32}"),
    ("key-", r"key-[a-f0-9]{32}"),
    ("-us", r"[a-f0-9]{32}-us[0-9]{1,2}"),
    ("NRAK-", r"NRAK-[A-Z0-9]{27}"),
    (
        "gl",
        r"gl(?:sa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}|c_eyJ[A-Za-z0-9+/=]{30,})",
    ),
    (
        "sntry",
        r"sntry(?:s_eyJ[A-Za-z0-9+/=_]{50,}|u_[a-f0-9]{64})",
    ),
    ("phx_", r"phx_[A-Za-z0-9]{32,}"),
    ("lin_", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    ("ntn_", r"ntn_[A-Za-z0-9]{40,}"),
    ("secret_", r"secret_[A-Za-z0-9]{43}"),
    ("PMAK-", r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    ("figd_", r"figd_[A-Za-z0-9_-]{38,}"),
    ("pat", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    ("squ_", r"squ_[a-f0-9]{40}"),
    ("sqp_", r"sqp_[a-f0-9]{40}"),
    ("EAA", r"EAA[A-Za-z0-9]{80,}"),
    ("ops_", r"ops_eyJ[A-Za-z0-9+/=_-]{50,}"),
    ("AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    // JSON Web Tokens (RFC 7519): header and claims are objects.
    (
        "eyJ",
        r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{10,}",
    ),
];

/// Secrets that the words around them give away; always the group.
const AMONG_WORDS: &[(&str, &str)] = &[
    // The password in an address (RFC 3986, section 3.2.1).
    (
        "://",
        r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s:/?#@"'`<>]*:([^\s/?#"'`<>]+)@[^\s"'`@]"#,
    ),
    // Headers.
    ("earer ", r"[Bb]earer +([A-Za-z0-9_~+/.=-]{16,})"),
    (
        "asic ",
        r"[Aa]uthorization['\x22]?[:=,] *['\x22]?[Bb]asic +([A-Za-z0-9+/]{8,}={0,2})",
    ),
    // `curl -u user:password`, `mysql -pPassword` is not told from other options.
    (
        "-u",
        r#"(?:curl|wget|http)\b[^\n]*?\s(?:-u|--user)[ =]['"]?[A-Za-z0-9_.@-]+:([^\s'"]{4,})"#,
    ),
    ("assword", r#"(?i)--password[ =]['"]?([^\s'"<>$]{6,})"#),
    // .netrc and the like.
    (
        "password ",
        r"(?m)^\s*(?:machine\s+\S+\s+)?login\s+\S+\s+password\s+(\S+)",
    ),
];

/// Private keys: all of them, from their first mark to their last, or to where they are cut off.
const BLOCKS: &[(&str, &str)] = &[
    (
        "PRIVATE KEY",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----",
    ),
    (
        "PRIVATE KEY",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n|\\r|[A-Za-z0-9+/=:,.-])*",
    ),
    (
        "Private-Lines",
        r"(?m)^Private-Lines: [0-9]+\r?\n(?:[A-Za-z0-9+/=]+\r?\n?)+",
    ),
];

struct Form {
    contains: &'static str,
    regex: Regex,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Stands alone: no letter, digit or the like before and after it.
    Word,
    /// Among words that give it away.
    Among,
    Block,
}

static ALL: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let tables = [
        (FORMS, Kind::Word),
        (AMONG_WORDS, Kind::Among),
        (BLOCKS, Kind::Block),
    ];
    tables
        .into_iter()
        .flat_map(|(table, kind)| {
            table
                .iter()
                .map(move |(contains, regex)| (contains, regex, kind))
        })
        // A test compiles them all.
        .filter_map(|(contains, regex, kind)| {
            Some(Form {
                contains,
                regex: Regex::new(regex).ok()?,
                kind,
            })
        })
        .collect()
});

/// Where secrets of a known form stand.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    for form in ALL.iter().filter(|form| text.contains(form.contains)) {
        for found in form.regex.captures_iter(text) {
            let Some(whole) = found.get(0) else { continue };
            let secret = found.get(1).unwrap_or(whole);
            let value = secret.as_str();
            let counts = match form.kind {
                Kind::Word => {
                    stands_alone(text, &whole.range()) && !is_example(value) && is_mixed(value)
                }
                Kind::Among => !is_template(value) && !is_example(value) && !is_usual(value),
                Kind::Block => !value.contains("...") && value.len() > 100,
            };
            if counts {
                spans.push(secret.range());
            }
        }
    }
    spans
}

/// Where whole files stand in base 64: whatever is in them, it is no text.
pub(super) fn embedded_files(text: &str) -> Vec<Range<usize>> {
    static DATA: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"data:[A-Za-z0-9.+/-]*(?:;[A-Za-z0-9=._-]+)*;base64,[A-Za-z0-9+/=]+").ok()
    });
    let found = DATA.as_ref().filter(|_| text.contains(";base64,"));
    found.map_or_else(Vec::new, |data| {
        data.find_iter(text).map(|found| found.range()).collect()
    })
}

fn stands_alone(text: &str, span: &Range<usize>) -> bool {
    let joins = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let before = text
        .get(..span.start)
        .and_then(|text| text.chars().next_back());
    let after = text.get(span.end..).and_then(|text| text.chars().next());
    // In a line feed that is written out, the `n` is no letter of a word.
    let escaped = text.get(..span.start).is_some_and(|text| {
        text.ends_with("\\n") || text.ends_with("\\t") || text.ends_with("\\r")
    });
    (escaped || !before.is_some_and(|c| joins(c) || c == '-')) && !after.is_some_and(joins)
}

/// Not words in small letters, as names of classes and of files are.
fn is_mixed(value: &str) -> bool {
    value
        .bytes()
        .any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// A place for a value, not a value.
pub(super) fn is_template(value: &str) -> bool {
    value.starts_with('$')
        || value.starts_with('%')
        || value.starts_with(':')
        || [
            "{",
            "}",
            "<",
            ">",
            "((",
            "%s",
            "%d",
            "process.env",
            "os.environ",
        ]
        .iter()
        .any(|part| value.contains(part))
}

/// Passwords that everybody knows, and that nobody means when writing them into documentation.
pub(super) fn is_usual(value: &str) -> bool {
    const USUAL: [&str; 23] = [
        "password",
        "passwd",
        "pass",
        "pwd",
        "secret",
        "user",
        "username",
        "postgres",
        "root",
        "admin",
        "guest",
        "mysql",
        "redis",
        "mongo",
        "token",
        "test",
        "testing",
        "demo",
        "foo",
        "bar",
        "pw",
        "p",
        "minioadmin",
    ];
    USUAL.contains(&value.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_can_be_read_and_has_what_it_is_looked_for_by() {
        for (_, regex) in FORMS.iter().chain(AMONG_WORDS).chain(BLOCKS) {
            assert!(Regex::new(regex).is_ok(), "{regex}");
        }
        assert_eq!(ALL.len(), FORMS.len() + AMONG_WORDS.len() + BLOCKS.len());
    }
}
