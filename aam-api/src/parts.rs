//! How items are divided over ranks.

use std::ops::Range;

/// A sequence of items, divided into one contiguous part per rank, in rank order. Parts may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    ends: Vec<usize>,
}

impl Parts {
    /// Parts of these sizes, one per rank.
    pub fn of_sizes(sizes: impl IntoIterator<Item = usize>) -> Self {
        let ends = sizes.into_iter().scan(0, |end, size| {
            *end += size;
            Some(*end)
        });
        Self {
            ends: ends.collect(),
        }
    }

    /// Divides `count` items over `ranks` into parts whose sizes differ by at most one.
    pub fn equal(count: usize, ranks: usize) -> Self {
        Self::of_sizes((0..ranks).map(|rank| count / ranks + usize::from(rank < count % ranks)))
    }

    /// Gives all of `count` items to the first of `ranks`.
    pub fn first(count: usize, ranks: usize) -> Self {
        Self::of_sizes((0..ranks).map(|rank| if rank == 0 { count } else { 0 }))
    }

    /// The same parts for items of `width` numbers each.
    pub fn times(&self, width: usize) -> Self {
        let ends = self.ends.iter().map(|end| end * width);
        Self {
            ends: ends.collect(),
        }
    }

    /// The part of a rank; empty for a rank that does not exist.
    pub fn of(&self, rank: usize) -> Range<usize> {
        let start = match rank.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).copied().unwrap_or(self.count()),
        };
        start..self.ends.get(rank).copied().unwrap_or(start)
    }

    /// The parts, in rank order.
    pub fn iter(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        (0..self.ranks()).map(|rank| self.of(rank))
    }

    /// Total number of items.
    pub fn count(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Number of parts.
    pub fn ranks(&self) -> usize {
        self.ends.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(parts: &Parts) -> Vec<Range<usize>> {
        parts.iter().collect()
    }

    #[test]
    fn parts_are_in_order_and_nearly_equal() {
        assert_eq!(ranges(&Parts::equal(7, 3)), [0..3, 3..5, 5..7]);
        assert_eq!(ranges(&Parts::equal(2, 3)), [0..1, 1..2, 2..2]);
        assert_eq!(ranges(&Parts::equal(0, 2)), [0..0, 0..0]);
        assert_eq!(ranges(&Parts::first(5, 3)), [0..5, 5..5, 5..5]);
        assert_eq!(ranges(&Parts::equal(3, 2).times(4)), [0..8, 8..12]);
    }

    #[test]
    fn an_unknown_rank_has_an_empty_part() {
        let parts = Parts::equal(7, 2);
        assert_eq!((parts.of(2), parts.of(9)), (7..7, 7..7));
        assert_eq!((parts.count(), parts.ranks()), (7, 2));
        let none = Parts::equal(7, 0);
        assert_eq!((none.count(), none.ranks(), none.of(0)), (0, 0, 0..0));
    }
}
