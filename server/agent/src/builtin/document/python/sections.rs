//! The sections of a docstring in the three styles that are in use, read and written.

use std::collections::BTreeSet;

/// How a docstring marks its sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `Args:` with indented entries.
    Google {
        /// Whether entries repeat the type: `count (int): …`.
        typed: bool,
    },
    /// `Parameters` underlined.
    Numpy,
    /// `:param count: …`.
    Sphinx,
}

/// What a section is about, in the order in which sections stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Parameters,
    Attributes,
    Returns,
    Yields,
    Raises,
}

pub(super) struct Section {
    pub(super) part: Part,
    pub(super) entries: Vec<Entry>,
}

/// One parameter, attribute, result or exception.
pub(super) struct Entry {
    /// Empty for a result.
    pub(super) name: String,
    pub(super) type_text: Option<String>,
    pub(super) text: String,
}

impl Part {
    const ALL: [Self; 5] = [
        Self::Parameters,
        Self::Attributes,
        Self::Returns,
        Self::Yields,
        Self::Raises,
    ];

    /// The headings that mean this part; the first is the one that is written.
    fn headings(self, style: Style) -> &'static [&'static str] {
        match (self, style) {
            (Self::Parameters, Style::Numpy) => &["Parameters", "Other Parameters"],
            (Self::Parameters, _) => &[
                "Args",
                "Arguments",
                "Parameters",
                "Params",
                "Keyword Args",
                "Keyword Arguments",
            ],
            (Self::Attributes, _) => &["Attributes"],
            (Self::Returns, _) => &["Returns", "Return"],
            (Self::Yields, _) => &["Yields", "Yield"],
            (Self::Raises, _) => &["Raises", "Raise"],
        }
    }

    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Parameters => &["param", "parameter", "arg", "argument", "key", "keyword"],
            Self::Attributes => &["ivar", "cvar", "var"],
            Self::Returns => &["returns", "return", "rtype"],
            Self::Yields => &["yields", "yield", "ytype"],
            Self::Raises => &["raises", "raise", "except", "exception"],
        }
    }
}

/// The style that most of the docstrings have; `None` when none of them has sections.
pub(super) fn style_of<'a>(docs: impl IntoIterator<Item = &'a str>) -> Option<Style> {
    let (mut google, mut numpy, mut sphinx, mut typed) = (0_usize, 0_usize, 0_usize, false);
    for doc in docs {
        let lines: Vec<&str> = doc.lines().collect();
        let has = |style: Style| {
            Part::ALL
                .iter()
                .any(|part| !found(&lines, *part, style).is_empty())
        };
        google += usize::from(has(Style::Google { typed: false }));
        numpy += usize::from(has(Style::Numpy));
        sphinx += usize::from(has(Style::Sphinx));
        typed |= lines.iter().any(|line| {
            let entry = line.trim_start();
            line.len() > entry.len()
                && entry.split_once(" (").is_some_and(|(name, rest)| {
                    !name.contains(' ') && !name.is_empty() && rest.contains("):")
                })
        });
    }
    let most = google.max(numpy).max(sphinx);
    match most {
        0 => None,
        _ if most == google => Some(Style::Google { typed }),
        _ if most == numpy => Some(Style::Numpy),
        _ => Some(Style::Sphinx),
    }
}

/// Whether a docstring has a section.
pub(super) fn has(inner: &str, part: Part, style: Style) -> bool {
    !found(&inner.lines().collect::<Vec<_>>(), part, style).is_empty()
}

/// All sections as lines without the docstring's indentation, each with an empty line before it.
pub(super) fn written(sections: &[Section], style: Style, unit: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, section) in sections.iter().enumerate() {
        if style != Style::Sphinx || at == 0 {
            lines.push(String::new());
        }
        lines.extend(section_lines(section, style, unit));
    }
    lines
}

fn section_lines(section: &Section, style: Style, unit: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let heading = section
        .part
        .headings(style)
        .first()
        .copied()
        .unwrap_or_default();
    match style {
        Style::Google { .. } => lines.push(format!("{heading}:")),
        Style::Numpy => lines.extend([heading.to_owned(), "-".repeat(heading.len())]),
        Style::Sphinx => {}
    }
    for entry in &section.entries {
        lines.extend(entry_lines(section.part, entry, style, unit));
    }
    lines
}

fn entry_lines(part: Part, entry: &Entry, style: Style, unit: &str) -> Vec<String> {
    let Entry {
        name,
        type_text,
        text,
    } = entry;
    let given = type_text
        .as_deref()
        .filter(|text| !text.contains(['\n', '\\']));
    match style {
        Style::Google { typed } => {
            let given = given.filter(|_| typed);
            vec![match (name.as_str(), given) {
                ("", None) => format!("{unit}{text}"),
                ("", Some(given)) => format!("{unit}{given}: {text}"),
                (name, None) => format!("{unit}{name}: {text}"),
                (name, Some(given)) => format!("{unit}{name} ({given}): {text}"),
            }]
        }
        Style::Numpy => {
            let head = match (name.as_str(), given) {
                ("", None) => return vec![text.clone()],
                ("", Some(given)) => given.to_owned(),
                (name, None) => name.to_owned(),
                (name, Some(given)) => format!("{name} : {given}"),
            };
            vec![head, format!("{unit}{text}")]
        }
        Style::Sphinx => {
            let field = part.fields().first().copied().unwrap_or_default();
            vec![match name.trim_start_matches('*') {
                "" => format!(":{field}: {text}"),
                name => format!(":{field} {name}: {text}"),
            }]
        }
    }
}

/// A section, or in the Sphinx style a run of fields, in the lines of a docstring.
struct Place {
    /// The heading.
    first: usize,
    /// The line behind its last that is not blank.
    end: usize,
    names: BTreeSet<String>,
}

fn found(lines: &[&str], part: Part, style: Style) -> Vec<Place> {
    match style {
        Style::Sphinx => fields(lines, part),
        Style::Google { .. } | Style::Numpy => headed(lines, part, style),
    }
}

fn headed(lines: &[&str], part: Part, style: Style) -> Vec<Place> {
    let mut places = Vec::new();
    for (first, line) in lines.iter().enumerate() {
        if !is_heading(lines, first, style, part.headings(style)) {
            continue;
        }
        let own = indent_of(line);
        let start = first + if style == Style::Numpy { 2 } else { 1 };
        let mut end = start;
        for at in start..lines.len() {
            let Some(line) = lines.get(at) else { break };
            let over = Part::ALL
                .iter()
                .any(|part| is_heading(lines, at, style, part.headings(style)))
                || is_any_heading(lines, at, style)
                || (style != Style::Numpy && !line.trim().is_empty() && indent_of(line) <= own);
            if over {
                break;
            }
            if !line.trim().is_empty() {
                end = at + 1;
            }
        }
        let inside = lines.get(start..end).unwrap_or_default();
        places.push(Place {
            first,
            end,
            names: names(inside, style),
        });
    }
    places
}

fn is_heading(lines: &[&str], at: usize, style: Style, headings: &[&str]) -> bool {
    let Some(line) = lines.get(at).map(|line| line.trim()) else {
        return false;
    };
    match style {
        Style::Numpy => headings.contains(&line) && is_underline(lines.get(at + 1)),
        _ => line
            .strip_suffix(':')
            .is_some_and(|line| headings.contains(&line)),
    }
}

fn is_any_heading(lines: &[&str], at: usize, style: Style) -> bool {
    match style {
        Style::Numpy => {
            lines.get(at).is_some_and(|line| !line.trim().is_empty())
                && is_underline(lines.get(at + 1))
        }
        _ => false,
    }
}

fn is_underline(line: Option<&&str>) -> bool {
    line.is_some_and(|line| {
        let line = line.trim();
        line.len() >= 3 && line.bytes().all(|byte| byte == b'-')
    })
}

/// The names of the entries in a section.
fn names(lines: &[&str], style: Style) -> BTreeSet<String> {
    let filled = || lines.iter().filter(|line| !line.trim().is_empty());
    let outermost = filled().map(|line| indent_of(line)).min().unwrap_or(0);
    filled()
        .filter(|line| indent_of(line) == outermost)
        .flat_map(|line| {
            let head = if style == Style::Numpy {
                line.split(" :").next().unwrap_or(line)
            } else {
                line.split(':')
                    .next()
                    .unwrap_or(line)
                    .split(" (")
                    .next()
                    .unwrap_or(line)
            };
            head.split(',')
                .map(|name| name.trim().trim_start_matches(['*', '\\', '`']).to_owned())
        })
        .map(|name| name.trim_end_matches('`').to_owned())
        .collect()
}

fn fields(lines: &[&str], part: Part) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((field, name)) = field(line) else {
            // What is indented below a field goes on with it.
            if let Some(last) = places.last_mut()
                && last.end == at
                && !line.trim().is_empty()
            {
                last.end = at + 1;
            }
            continue;
        };
        if part.fields().contains(&field) {
            let names = name.map(str::to_owned).into_iter().collect();
            places.push(Place {
                first: at,
                end: at + 1,
                names,
            });
        }
    }
    places
}

/// `param` and `count` of `:param int count: …`.
fn field(line: &str) -> Option<(&str, Option<&str>)> {
    let (head, _) = line.trim_start().strip_prefix(':')?.split_once(':')?;
    let mut words = head.split_whitespace();
    Some((
        words.next()?,
        words
            .next_back()
            .map(|name| name.trim_start_matches(['*', '\\'])),
    ))
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Puts into a docstring's lines what they lack; says what that is.
pub(super) fn complete(
    lines: &mut Vec<String>,
    wanted: &[&Section],
    style: Style,
    indent: &str,
    unit: &str,
) -> Vec<String> {
    let mut added = Vec::new();
    for section in wanted {
        let part = section.part;
        let shown: Vec<&str> = lines.iter().map(String::as_str).collect();
        let places = found(&shown, part, style);
        let known: BTreeSet<&str> = places
            .iter()
            .flat_map(|place| &place.names)
            .map(String::as_str)
            .collect();
        let named = !matches!(part, Part::Returns | Part::Yields);
        if !named && !places.is_empty() {
            continue;
        }
        let lacking: Vec<&Entry> = section
            .entries
            .iter()
            .filter(|entry| !known.contains(entry.name.trim_start_matches('*')))
            .collect();
        if lacking.is_empty() {
            continue;
        }
        added.extend(lacking.iter().map(|entry| match entry.name.as_str() {
            "" => format!(
                "`{}`",
                part.headings(style).first().copied().unwrap_or_default()
            ),
            name => format!("`{name}`"),
        }));
        let mut new: Vec<String> = lacking
            .iter()
            .flat_map(|entry| entry_lines(part, entry, style, unit))
            .collect();
        let at = if let Some(last) = places.last() {
            last.end
        } else {
            if let Some(heading) = part.headings(style).first() {
                match style {
                    Style::Google { .. } => new.insert(0, format!("{heading}:")),
                    Style::Numpy => {
                        new.splice(0..0, [(*heading).to_owned(), "-".repeat(heading.len())]);
                    }
                    Style::Sphinx => {}
                }
            }
            let later = Part::ALL.into_iter().filter(|other| *other > part);
            let next = later
                .flat_map(|other| found(&shown, other, style))
                .map(|place| place.first)
                .min();
            let earlier = Part::ALL.into_iter().filter(|other| *other < part);
            let before = earlier
                .flat_map(|other| found(&shown, other, style))
                .map(|place| place.end)
                .max();
            match (next, style, before) {
                (Some(next), Style::Sphinx, _) => next,
                (None, Style::Sphinx, Some(before)) => before,
                (Some(next), _, _) => {
                    new.push(String::new());
                    next
                }
                (None, _, _) => {
                    new.insert(0, String::new());
                    lines.len()
                }
            }
        };
        let new = new.into_iter().map(|line| {
            if line.is_empty() {
                line
            } else {
                format!("{indent}{line}")
            }
        });
        lines.splice(at..at, new);
    }
    added
}
