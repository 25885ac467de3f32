//! From the indentation that a reply has to the indentation that the file has.

use pleach_text::IndentUnit;

/// How the indentation of the reply's lines becomes that of the file's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reindent {
    /// It is the same.
    Same,
    /// The file has this in front.
    Add(String),
    /// The reply has this in front.
    Cut(String),
    /// Counted in other units: a level is written `from` in the reply and `to` in the file, which
    /// is `shift` levels deeper.
    Units { from: Step, to: Step, shift: isize },
    /// No rule, only examples.
    Table(Vec<(String, String)>),
}

/// One level of indentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Tab,
    Spaces(usize),
}

impl Step {
    /// The levels of an indentation and what is left over, if it is written in this step.
    fn levels(self, indent: &str) -> Option<(isize, usize)> {
        let tabs = indent.bytes().take_while(|&byte| byte == b'\t').count();
        let spaces = indent.get(tabs..)?;
        if !spaces.bytes().all(|byte| byte == b' ') {
            return None;
        }
        match self {
            Self::Tab => Some((isize::try_from(tabs).ok()?, spaces.len())),
            Self::Spaces(width) => {
                let levels = spaces.len().checked_div(width)?;
                (tabs == 0)
                    .then_some((isize::try_from(levels).ok()?, spaces.len() - levels * width))
            }
        }
    }

    fn write(self, levels: usize, rest: usize) -> String {
        match self {
            Self::Tab => format!("{}{}", "\t".repeat(levels), " ".repeat(rest)),
            Self::Spaces(width) => " ".repeat(levels * width + rest),
        }
    }

    pub(crate) fn of(unit: IndentUnit) -> Self {
        match unit {
            IndentUnit::Tabs => Self::Tab,
            IndentUnit::Spaces(width) => Self::Spaces(usize::from(width).max(1)),
        }
    }
}

const STEPS: [Step; 5] = [
    Step::Tab,
    Step::Spaces(4),
    Step::Spaces(2),
    Step::Spaces(8),
    Step::Spaces(3),
];

/// Deeper than this no code is; hostile replies are.
const MAX_LEVELS: isize = 400;

impl Reindent {
    /// Learns from pairs of indentations, the reply's and the file's, of lines that are otherwise
    /// the same. `None` when no one rule explains them all.
    pub(crate) fn learn(pairs: &[(&str, &str)], unit: Option<IndentUnit>) -> Option<Self> {
        if pairs.iter().all(|(reply, file)| reply == file) {
            return Some(Self::Same);
        }
        let (reply, file) = *pairs.iter().find(|(reply, file)| reply != file)?;
        if let Some(front) = file.strip_suffix(reply)
            && pairs
                .iter()
                .all(|(reply, file)| file.strip_suffix(reply) == Some(front))
            && !front.is_empty()
            && same_style(reply, file)
        {
            return Some(Self::Add(front.to_owned()));
        }
        if let Some(front) = reply.strip_suffix(file)
            && pairs
                .iter()
                .all(|(reply, file)| reply.strip_suffix(file) == Some(front))
            && same_style(reply, file)
        {
            return Some(Self::Cut(front.to_owned()));
        }
        Self::units(pairs, unit)
    }

    fn units(pairs: &[(&str, &str)], unit: Option<IndentUnit>) -> Option<Self> {
        let preferred = unit.map(Step::of);
        let mut best: Option<(u32, Self)> = None;
        for from in STEPS {
            for to in preferred.into_iter().chain(STEPS) {
                if from == to {
                    continue;
                }
                let Some(shift) = common_shift(pairs, from, to) else {
                    continue;
                };
                // Both another unit and another depth is too much to be read from a few lines.
                if shift != 0 && matches!((from, to), (Step::Spaces(_), Step::Spaces(_))) {
                    continue;
                }
                let mut cost = shift.unsigned_abs().min(1_000).try_into().unwrap_or(1_000) * 10;
                cost += u32::from(preferred != Some(to)) * 3;
                cost += u32::from(matches!(from, Step::Spaces(3 | 8)));
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, Self::Units { from, to, shift }));
                }
            }
        }
        best.map(|(_, rule)| rule)
    }

    /// The rules by which a level is written in one way in the reply and in another in the file, at the
    /// same depth, that explain at least one of some pairs.
    pub(crate) fn units_between<'p>(pairs: impl Iterator<Item = (&'p str, &'p str)>) -> Vec<Self> {
        let pairs: Vec<(&str, &str)> = pairs.filter(|(reply, file)| reply != file).collect();
        let mut rules = Vec::new();
        for from in STEPS {
            for to in STEPS {
                let rule = Self::Units { from, to, shift: 0 };
                let explains =
                    |(reply, file): &(&str, &str)| rule.apply(reply).as_deref() == Some(file);
                if from != to && pairs.iter().any(explains) {
                    rules.push(rule);
                }
            }
        }
        rules
    }

    /// The examples alone, when each indentation of the reply has one counterpart.
    pub(crate) fn table(pairs: &[(&str, &str)]) -> Option<Self> {
        let mut table: Vec<(String, String)> = Vec::new();
        for (reply, file) in pairs {
            match table.iter().find(|(known, _)| known == reply) {
                Some((_, known)) if known != file => return None,
                Some(_) => {}
                None => table.push(((*reply).to_owned(), (*file).to_owned())),
            }
        }
        Some(Self::Table(table))
    }

    /// The file's indentation for one of the reply's, `None` when the rule does not say.
    pub(crate) fn apply(&self, indent: &str) -> Option<String> {
        match self {
            Self::Same => Some(indent.to_owned()),
            Self::Add(front) => Some(format!("{front}{indent}")),
            Self::Cut(front) => indent.strip_prefix(front.as_str()).map(str::to_owned),
            Self::Units { from, to, shift } => {
                let (levels, rest) = from.levels(indent)?;
                let levels = usize::try_from(levels + shift).ok()?;
                Some(to.write(levels, rest))
            }
            Self::Table(table) => table
                .iter()
                .find(|(reply, _)| reply == indent)
                .map(|(_, file)| file.clone()),
        }
    }

    /// Whether an indentation of the reply is no whole number of the levels that the rule counts in.
    pub(crate) fn splits(&self, indent: &str) -> bool {
        match self {
            Self::Units { from, .. } => from.levels(indent).is_none_or(|(_, rest)| rest != 0),
            _ => false,
        }
    }
}

/// Adding blanks in front of tabs is no shift.
fn same_style(one: &str, other: &str) -> bool {
    let tab = |indent: &str| indent.contains('\t');
    one.is_empty() || other.is_empty() || tab(one) == tab(other)
}

/// By how many levels the file is deeper than the reply, when it is the same everywhere.
fn common_shift(pairs: &[(&str, &str)], from: Step, to: Step) -> Option<isize> {
    let mut common = None;
    for (reply, file) in pairs {
        let (from_levels, from_rest) = from.levels(reply)?;
        let (to_levels, to_rest) = to.levels(file)?;
        let shift = to_levels - from_levels;
        if from_rest != to_rest
            || shift.abs() > MAX_LEVELS
            || common.is_some_and(|known| known != shift)
        {
            return None;
        }
        common = Some(shift);
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(pairs: &[(&str, &str)], unit: IndentUnit, indent: &str) -> Option<String> {
        Reindent::learn(pairs, Some(unit))?.apply(indent)
    }

    #[test]
    fn a_shift_is_the_same_for_every_line() {
        let spaces = IndentUnit::Spaces(4);
        let pairs = [("", "    "), ("    ", "        ")];
        assert_eq!(
            learned(&pairs, spaces, "        ").as_deref(),
            Some("            ")
        );
        let pairs = [("    ", ""), ("        ", "    ")];
        assert_eq!(learned(&pairs, spaces, "        ").as_deref(), Some("    "));
        assert_eq!(learned(&pairs, spaces, ""), None);
    }

    #[test]
    fn tabs_become_the_files_spaces_and_back() {
        let pairs = [("", ""), ("\t", "  "), ("\t\t", "    ")];
        assert_eq!(
            learned(&pairs, IndentUnit::Spaces(2), "\t\t\t ").as_deref(),
            Some("       ")
        );
        let pairs = [("    ", "\t"), ("        ", "\t\t")];
        assert_eq!(
            learned(&pairs, IndentUnit::Tabs, "            ").as_deref(),
            Some("\t\t\t")
        );
    }

    #[test]
    fn one_example_is_read_in_the_files_own_unit() {
        assert_eq!(
            learned(&[("\t\t", "        ")], IndentUnit::Spaces(4), "\t").as_deref(),
            Some("    ")
        );
        assert_eq!(
            learned(&[("\t", "  ")], IndentUnit::Spaces(2), "\t\t").as_deref(),
            Some("    ")
        );
    }

    #[test]
    fn contradicting_examples_are_no_rule() {
        assert_eq!(
            Reindent::learn(&[("  ", "    "), ("    ", "      "), ("", "\t\t\t")], None),
            None
        );
    }
}
