//! The tokens of nucleotide sequences.
//!
//! | token | stands for |
//! |---|---|
//! | 0 | padding |
//! | 1, 2, 3, 4 | A, C, G, T |
//! | 5 | the start token, in front of every sequence |
//! | 6 | a masked base |
//! | 7 | an ambiguous base |

/// Padding after a sequence.
pub const PAD: u8 = 0;
/// The first of the four bases, A; C, G and T follow.
pub const FIRST_BASE: u8 = 1;
/// The last of the four bases, T.
pub const LAST_BASE: u8 = 4;
/// The start token of a sequence.
pub const START: u8 = 5;
/// A masked base, which the model predicts.
pub const MASK: u8 = 6;
/// An ambiguous base.
pub const AMBIGUOUS: u8 = 7;
/// Number of distinct tokens.
pub const VOCABULARY: usize = 8;
