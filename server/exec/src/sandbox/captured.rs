//! What a command printed: the beginning and the end, and how much was between.

use std::collections::VecDeque;

/// An output of bounded size, whatever was printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
    kept: usize,
}

impl Captured {
    /// Keeps `kept` bytes: one half from the beginning, one from the end.
    pub(super) fn new(kept: usize) -> Self {
        Self {
            kept,
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.total = self.total.saturating_add(length);
        let room = (self.kept / 2).saturating_sub(self.head.len());
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        let room = self.kept - self.kept / 2;
        let rest = rest.get(rest.len().saturating_sub(room)..).unwrap_or(rest);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(room);
        self.tail.drain(..over);
    }

    /// Bytes that were printed.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Bytes that were printed and are not kept.
    pub fn omitted(&self) -> u64 {
        let kept = self.head.len() + self.tail.len();
        self.total
            .saturating_sub(u64::try_from(kept).unwrap_or(u64::MAX))
    }

    /// As text, with a line where something is left out. Bytes that are no UTF-8 are replaced.
    pub fn text(&self) -> String {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.omitted() == 0 {
            let whole = [self.head.as_slice(), &tail].concat();
            return String::from_utf8_lossy(&whole).into_owned();
        }
        format!(
            "{}\n[… {} bytes left out …]\n{}",
            String::from_utf8_lossy(&self.head),
            self.omitted(),
            String::from_utf8_lossy(&tail)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        let mut captured = Captured::new(6);
        for piece in ["ab", "cdef", "ghij"] {
            captured.push(piece.as_bytes());
        }
        assert_eq!(captured.text(), "abc\n[… 4 bytes left out …]\nhij");
        assert_eq!((captured.total(), captured.omitted()), (10, 4));
    }

    #[test]
    fn what_fits_is_whole() {
        let mut captured = Captured::new(8);
        captured.push("grün".as_bytes());
        captured.push(b"er");
        assert_eq!(captured.text(), "grüner");
    }
}
