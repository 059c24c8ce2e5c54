//! Sorts the members of objects.
//!
//! Members are sorted while the body is parsed, and moved once at the end. Moving the members of each object when it
//! ends would copy a deeply nested body once per level.

use std::ops::Range;

use super::Printer;

/// A member of an open object, as offsets into the printed text.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) start: usize,
    pub(super) name_end: usize,
    pub(super) end: usize,
}

/// Objects whose members are printed in another order than that of the body.
#[derive(Default)]
pub(super) struct Reordered {
    objects: Vec<Object>,
    /// The members of all these objects in their canonical order, as ranges of the printed text.
    members: Vec<Range<usize>>,
}

struct Object {
    /// The printed text from the opening bracket to the end of the last member.
    text: Range<usize>,
    /// The indices of its members.
    members: Range<usize>,
}

impl Printer<'_> {
    /// Sorts the members from index `first`, which are those of the innermost object, and removes them.
    ///
    /// Returns `None` if two members have the same name.
    pub(super) fn sort_members(&mut self, first: usize) -> Option<()> {
        let Self { text, members, reordered } = self;
        let object = &mut members[first..];
        if let &mut [Member { start, .. }, .., Member { end, .. }] = object {
            let printed = text.since(start);
            // Compared without the closing quote, with which `a` would sort after `a!`.
            let name =
                |member: &Member| &printed[member.start - start + 1..member.name_end - start - 1];
            if !object.is_sorted_by(|a, b| name(a) < name(b)) {
                object.sort_unstable_by(|a, b| name(a).cmp(name(b)));
                if object.windows(2).any(|pair| name(&pair[0]) == name(&pair[1])) {
                    return None;
                }
                reordered.push(start - 1..end, object);
            }
        }
        members.truncate(first);
        Some(())
    }
}

impl Reordered {
    fn push(&mut self, text: Range<usize>, sorted: &[Member]) {
        let first = self.members.len();
        self.members.extend(sorted.iter().map(|member| member.start..member.end));
        self.objects.push(Object { text, members: first..self.members.len() });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Returns `printed` with the members of all objects in their canonical order.
    pub(super) fn apply(mut self, printed: &[u8]) -> Vec<u8> {
        // Objects were added when they ended, so inner objects come before the object around them.
        self.objects.sort_unstable_by_key(|object| object.text.start);
        let mut sorted = Vec::with_capacity(printed.len());
        self.copy(printed, 0..printed.len(), &mut sorted);
        sorted
    }

    /// Appends a range of `printed`. Its depth of recursion is that of the body.
    fn copy(&self, printed: &[u8], range: Range<usize>, sorted: &mut Vec<u8>) {
        let mut copied = range.start;
        while let Some(object) = self.first_in(copied..range.end) {
            sorted.extend_from_slice(&printed[copied..=object.text.start]);
            for (place, member) in self.members[object.members.clone()].iter().enumerate() {
                sorted.extend_from_slice(if place > 0 { b"," } else { b"" });
                self.copy(printed, member.clone(), sorted);
            }
            copied = object.text.end;
        }
        sorted.extend_from_slice(&printed[copied..range.end]);
    }

    /// Returns the first outermost object in `range`.
    fn first_in(&self, range: Range<usize>) -> Option<&Object> {
        let index = self.objects.partition_point(|object| object.text.start < range.start);
        self.objects.get(index).filter(|object| object.text.start < range.end)
    }
}
