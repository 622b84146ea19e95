//! Sequences as tokens.
//!
//! | token | stands for |
//! |---|---|
//! | 0 | padding |
//! | 1, 2, 3, 4 | A, C, G, T |
//! | 5 | the start, in front of every sequence |
//! | 6 | a masked base |
//! | 7 | an ambiguous base |
//!
//! U reads as T and lower case as upper case; the other IUPAC letters (N, R, Y, …) are ambiguous.
//! Models made before there was a token for these take it for padding, as the compatibility of a
//! model says.

use super::{DataError, Ids, IdsBuilder, shorten};

/// Padding after a sequence.
pub const PAD: u8 = 0;
/// The first of the four bases, A; C, G and T follow.
pub const FIRST_BASE: u8 = 1;
/// The last of the four bases, T.
pub const LAST_BASE: u8 = 4;
/// The start of a sequence.
pub const START: u8 = 5;
/// A base that the model is to guess.
pub const MASK: u8 = 6;
/// A base that is not known for sure.
pub const AMBIGUOUS: u8 = 7;
/// How many tokens there are.
pub const VOCABULARY: usize = 8;

/// How sequences become tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOptions {
    /// The longest sequence, in bases.
    pub max_bp: usize,
    /// Cut longer sequences instead of refusing them.
    pub truncate: bool,
}

impl Default for TokenOptions {
    fn default() -> Self {
        Self {
            max_bp: 150,
            truncate: false,
        }
    }
}

/// Sequences that can be read as tokens.
///
/// Where ASVs are named by their sequence, the letters are those of the names, which are held once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenizedSequences {
    sequences: Ids,
    max_bp: usize,
    truncated: usize,
}

impl TokenizedSequences {
    /// Tokenizes `(id, sequence)` pairs.
    ///
    /// # Errors
    /// Names the first ASV that holds a character that is no base, is empty, or is longer than
    /// `max_bp` without `truncate`.
    pub fn new<'a>(
        asvs: impl IntoIterator<Item = (&'a str, &'a str)>,
        options: &TokenOptions,
    ) -> Result<Self, DataError> {
        let mut sequences = IdsBuilder::default();
        let mut truncated = 0;
        for (id, sequence) in asvs {
            truncated += usize::from(checked(id, sequence, options)?);
            sequences.push(sequence);
        }
        Ok(Self {
            sequences: sequences.finish(),
            max_bp: options.max_bp,
            truncated,
        })
    }

    /// Tokenizes ASVs that are named by their sequence.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn of(sequences: &Ids, options: &TokenOptions) -> Result<Self, DataError> {
        let mut truncated = 0;
        for sequence in sequences.iter() {
            truncated += usize::from(checked(sequence, sequence, options)?);
        }
        Ok(Self {
            sequences: sequences.clone(),
            max_bp: options.max_bp,
            truncated,
        })
    }

    /// How many sequences there are.
    pub fn len(&self) -> usize {
        self.sequences.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bases of the longest sequence that is read whole.
    pub fn max_bp(&self) -> usize {
        self.max_bp
    }

    /// How many sequences were cut to `max_bp`.
    pub fn truncated(&self) -> usize {
        self.truncated
    }

    /// Bases of sequence `i`.
    pub fn bases(&self, i: usize) -> usize {
        self.sequences[i].len().min(self.max_bp)
    }

    /// The tokens of sequence `i`, one per base.
    pub fn get(&self, i: usize) -> impl Iterator<Item = u8> {
        let letters = &self.sequences[i].as_bytes()[..self.bases(i)];
        // All letters were checked; padding would stand for one that was not.
        letters.iter().map(|&letter| token_of(letter))
    }

    /// Appends sequence `i` as the model reads it to `out`: the start token, the bases, and
    /// padding up to `width` tokens, which must hold all of it.
    pub fn extend_padded(&self, i: usize, width: usize, out: &mut Vec<u8>) {
        let end = out.len() + width;
        out.push(START);
        out.extend(self.get(i));
        debug_assert!(out.len() <= end);
        out.resize(end, PAD);
    }
}

/// The token of a letter; padding for what is no letter of a sequence.
pub fn token_of(letter: u8) -> u8 {
    TOKENS[usize::from(letter)]
}

/// The token of every byte; padding for what is no letter of a sequence.
const TOKENS: [u8; 256] = {
    let mut tokens = [PAD; 256];
    let mut byte = 0;
    while byte < 128 {
        if let Some(token) = token(byte as u8 as char) {
            tokens[byte] = token;
        }
        byte += 1;
    }
    tokens
};

/// Refuses a sequence that cannot be read as tokens; returns whether it is cut.
fn checked(id: &str, sequence: &str, options: &TokenOptions) -> Result<bool, DataError> {
    let place = || format!("ASV `{}`", shorten(id));
    if sequence.is_empty() {
        return Err(DataError::new("the sequence is empty").at(place()));
    }
    let length = sequence.chars().count();
    if length > options.max_bp && !options.truncate {
        // A wrong character explains itself better than the length of what is no sequence.
        if let Some((at, c)) = first_fault(sequence, length) {
            return Err(fault(at, c).at(place()));
        }
        return Err(DataError::new(format!(
            "the sequence has {length} bases, more than the {} allowed",
            options.max_bp
        ))
        .at(place())
        .help(format!(
            "allow more (`--max-bp {length}`), or cut sequences (`--truncate`)"
        )));
    }
    match first_fault(sequence, options.max_bp) {
        Some((at, c)) => Err(fault(at, c).at(place())),
        None => Ok(length > options.max_bp),
    }
}

/// The token of a letter; none if it is no IUPAC nucleotide.
const fn token(c: char) -> Option<u8> {
    Some(match c.to_ascii_uppercase() {
        'A' => 1,
        'C' => 2,
        'G' => 3,
        'T' | 'U' => 4,
        'R' | 'Y' | 'S' | 'W' | 'K' | 'M' | 'B' | 'D' | 'H' | 'V' | 'N' => AMBIGUOUS,
        _ => return None,
    })
}

/// The first among `most` characters that is no nucleotide, and its position.
fn first_fault(sequence: &str, most: usize) -> Option<(usize, char)> {
    sequence
        .chars()
        .enumerate()
        .take(most)
        .find(|&(_, c)| token(c).is_none())
}

fn fault(position: usize, c: char) -> DataError {
    let problem = format!(
        "expected a nucleotide at position {}, found `{}`",
        position + 1,
        c.escape_default()
    );
    DataError::new(problem).help(match c {
        '-' | '.' => "gaps belong to alignments: give the sequences unaligned",
        _ => {
            "ASVs must be named by their sequence, or their sequences given in a file (`--sequences rep-seqs.fasta`); if the table has samples as rows, add --transpose"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(sequence: &str, options: &TokenOptions) -> Result<Vec<u8>, String> {
        TokenizedSequences::new([("id", sequence)], options)
            .map(|t| t.get(0).collect())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn bases_and_ambiguous_letters() {
        let options = TokenOptions::default();
        assert_eq!(
            tokens("ACGTUacgtu", &options).unwrap(),
            [1, 2, 3, 4, 4, 1, 2, 3, 4, 4]
        );
        assert_eq!(tokens("NRYSWKMBDHVn", &options).unwrap(), [AMBIGUOUS; 12]);
    }

    #[test]
    fn what_is_no_base_is_named_with_its_place() {
        let options = TokenOptions::default();
        let error = tokens("ACX", &options).unwrap_err();
        assert!(error.starts_with("ASV `id`: expected a nucleotide at position 3, found `X`"));
        assert!(error.contains("--sequences"));
        assert!(tokens("AC-T", &options).unwrap_err().contains("unaligned"));
        assert!(tokens("", &options).unwrap_err().contains("empty"));
        assert!(
            tokens("A\u{e9}", &options)
                .unwrap_err()
                .contains("position 2")
        );
        let name = "Bacteroides ".repeat(30);
        assert!(
            tokens(&name, &options)
                .unwrap_err()
                .contains("position 5, found `e`")
        );
    }

    #[test]
    fn long_sequences_are_refused_or_cut() {
        let mut options = TokenOptions {
            max_bp: 3,
            ..TokenOptions::default()
        };
        let error = tokens("ACGTA", &options).unwrap_err();
        assert!(
            error.contains("5 bases")
                && error.contains("--max-bp 5")
                && error.contains("--truncate")
        );
        options.truncate = true;
        let cut = TokenizedSequences::new([("a", "ACGTA"), ("b", "AC")], &options).unwrap();
        assert!(cut.get(0).eq([1, 2, 3]) && cut.get(1).eq([1, 2]));
        assert_eq!((cut.len(), cut.truncated(), cut.bases(1)), (2, 1, 2));
        let mut padded = vec![];
        cut.extend_padded(1, 4, &mut padded);
        cut.extend_padded(0, 4, &mut padded);
        assert_eq!(padded, [5, 1, 2, 0, 5, 1, 2, 3]);
    }
}
