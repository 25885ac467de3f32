//! Two changes in a row, as one.

use super::{ChangeSet, Replacement, WrongLength};
use crate::{ByteOffset, ByteRange};

impl ChangeSet {
    /// `self` and then `next`, as one change. `next` must apply to the text that `self` makes.
    ///
    /// Neighbouring replacements become one. Text that comes with `self` and goes with `next` leaves
    /// no trace.
    pub fn compose(&self, next: &Self) -> Result<Self, WrongLength> {
        let expected = next.len_before();
        let found = self.len_after();
        if expected != found {
            return Err(WrongLength {
                expected,
                found,
                inside_character: None,
            });
        }
        let mut output = Output::of(self);
        let mut made = Composed::default();
        for Replacement { delete, insert } in &next.replacements {
            output.copy_until(delete.start, &mut made)?;
            made.pending.insert.push_str(insert);
            output.skip_until(delete.end, &mut made)?;
        }
        output.copy_until(found, &mut made)?;
        output.finish(&mut made);
        Ok(Self::from_sorted(made.finish(), self.len_before))
    }
}

/// A piece of the text between the two changes.
enum Piece<'a> {
    /// So many bytes of the first text, untouched.
    Kept(usize),
    /// What the first change inserted.
    Inserted(&'a str),
    /// No piece, but a place: so many bytes of the first text went here.
    Gone(usize),
}

/// Walks over the text between the two changes.
struct Output<'a> {
    pieces: std::vec::IntoIter<Piece<'a>>,
    current: Option<Piece<'a>>,
    /// How far the walk has come, in the text between.
    at: ByteOffset,
    len: ByteOffset,
}

impl<'a> Output<'a> {
    fn of(change: &'a ChangeSet) -> Self {
        let mut pieces = Vec::with_capacity(change.replacements.len() * 3 + 1);
        let mut at = ByteOffset::ZERO;
        for Replacement { delete, insert } in &change.replacements {
            pieces.push(Piece::Kept(delete.start.since(at)));
            pieces.push(Piece::Gone(delete.len()));
            pieces.push(Piece::Inserted(insert));
            at = delete.end;
        }
        pieces.push(Piece::Kept(change.len_before.since(at)));
        let mut pieces = pieces.into_iter();
        let current = pieces.next();
        Self {
            pieces,
            current,
            at: ByteOffset::ZERO,
            len: change.len_after(),
        }
    }

    /// Takes what lies before `end` over into the composed change.
    fn copy_until(&mut self, end: ByteOffset, made: &mut Composed) -> Result<(), WrongLength> {
        self.walk(end, made, |piece, made| match piece {
            Piece::Kept(bytes) => made.keep(bytes),
            Piece::Inserted(text) => made.pending.insert.push_str(text),
            Piece::Gone(bytes) => made.delete(bytes),
        })
    }

    /// Leaves out what lies before `end`: the second change takes it out.
    fn skip_until(&mut self, end: ByteOffset, made: &mut Composed) -> Result<(), WrongLength> {
        self.walk(end, made, |piece, made| match piece {
            Piece::Kept(bytes) | Piece::Gone(bytes) => made.delete(bytes),
            Piece::Inserted(_) => {}
        })
    }

    /// Takes what the first change deleted at the very end.
    fn finish(&mut self, made: &mut Composed) {
        for piece in self.current.take().into_iter().chain(self.pieces.by_ref()) {
            if let Piece::Gone(bytes) = piece {
                made.delete(bytes);
            }
        }
    }

    fn walk(
        &mut self,
        end: ByteOffset,
        made: &mut Composed,
        mut take: impl FnMut(Piece<'a>, &mut Composed),
    ) -> Result<(), WrongLength> {
        while self.at < end {
            let wanted = end.since(self.at);
            let Some(piece) = self.current.take().or_else(|| self.pieces.next()) else {
                break;
            };
            match piece {
                Piece::Kept(bytes) => {
                    let taken = bytes.min(wanted);
                    self.at = self.at + taken;
                    take(Piece::Kept(taken), made);
                    if taken < bytes {
                        self.current = Some(Piece::Kept(bytes - taken));
                    }
                }
                Piece::Inserted(text) => {
                    let taken = text.len().min(wanted);
                    let Some((head, tail)) = text.split_at_checked(taken) else {
                        return Err(WrongLength {
                            expected: self.len,
                            found: self.len,
                            inside_character: Some(end),
                        });
                    };
                    self.at = self.at + taken;
                    take(Piece::Inserted(head), made);
                    if !tail.is_empty() {
                        self.current = Some(Piece::Inserted(tail));
                    }
                }
                gone @ Piece::Gone(_) => take(gone, made),
            }
        }
        Ok(())
    }
}

/// The composed change, as it grows from left to right.
#[derive(Default)]
struct Composed {
    done: Vec<Replacement>,
    pending: Pending,
    /// How far it has come, in the first text.
    at: ByteOffset,
}

#[derive(Default)]
struct Pending {
    deleted: usize,
    insert: String,
}

impl Composed {
    fn keep(&mut self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        self.flush();
        self.at = self.at + bytes;
    }

    fn delete(&mut self, bytes: usize) {
        self.pending.deleted += bytes;
    }

    fn flush(&mut self) {
        let Pending { deleted, insert } = std::mem::take(&mut self.pending);
        let end = self.at + deleted;
        let replacement = Replacement {
            delete: ByteRange::new(self.at, end),
            insert,
        };
        if !replacement.is_nothing() {
            self.done.push(replacement);
        }
        self.at = end;
    }

    fn finish(mut self) -> Vec<Replacement> {
        self.flush();
        self.done
    }
}
