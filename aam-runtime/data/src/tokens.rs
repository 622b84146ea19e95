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
//! U is read as T and lower case as upper case; the other IUPAC letters (N, R, Y, …) are ambiguous.
//! Models made before the token for ambiguous bases existed read them as padding, as recorded in
//! the compatibility settings of a model.

use std::sync::Arc;

use super::{DataError, Ids, IdsBuilder, Kinship, shorten};
use aam_core::text::counted;

/// Padding after a sequence.
pub const PAD: u8 = 0;
/// The first of the four bases, A; C, G and T follow.
pub const FIRST_BASE: u8 = 1;
/// The last of the four bases, T.
pub const LAST_BASE: u8 = 4;
/// The start of a sequence.
pub const START: u8 = 5;
/// A masked base, which the model predicts.
pub const MASK: u8 = 6;
/// An ambiguous base.
pub const AMBIGUOUS: u8 = 7;
/// Number of tokens.
pub const VOCABULARY: usize = 8;

/// How sequences are converted to tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOptions {
    /// Maximum sequence length, in bases.
    pub max_bp: usize,
    /// Truncate longer sequences instead of rejecting them.
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
/// If ASVs are named by their sequences, the letters are shared with the names. Features without
/// sequences have the bytes of their embeddings by [`Kinship`] instead, which pass through batches,
/// ranks and caches like tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenizedSequences {
    sequences: Ids,
    max_bp: usize,
    truncated: usize,
    codes: Option<Codes>,
}

/// The embeddings of features without sequences.
#[derive(Clone, Debug, PartialEq)]
struct Codes {
    /// [`Kinship::code`] of each feature.
    bytes: Arc<[u8]>,
    kinship: Arc<Kinship>,
}

impl TokenizedSequences {
    /// Tokenizes `(id, sequence)` pairs.
    ///
    /// # Errors
    /// A sequence contains a character that is not a base, is empty, or is longer than `max_bp`
    /// without `truncate`; the error names the first such ASV.
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
            codes: None,
        })
    }

    /// Tokenizes ASVs named by their sequences.
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
            codes: None,
        })
    }

    /// Features without sequences, embedded in `dim` numbers by `kinship`.
    pub fn of_kinship(ids: &Ids, kinship: Arc<Kinship>, dim: usize) -> Self {
        let bytes = ids.iter().flat_map(|id| kinship.code(id, dim));
        Self {
            sequences: ids.clone(),
            max_bp: 2 * dim,
            truncated: 0,
            codes: Some(Codes {
                bytes: bytes.collect(),
                kinship,
            }),
        }
    }

    /// How the features are related, if they have no sequences.
    pub fn kinship(&self) -> Option<&Arc<Kinship>> {
        self.codes.as_ref().map(|codes| &codes.kinship)
    }

    /// Number of sequences.
    pub fn len(&self) -> usize {
        self.sequences.len()
    }

    /// Whether there are no sequences.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Maximum number of bases that are read.
    pub fn max_bp(&self) -> usize {
        self.max_bp
    }

    /// Number of sequences truncated to `max_bp`.
    pub fn truncated(&self) -> usize {
        self.truncated
    }

    /// Number of bases of sequence `i`.
    pub fn bases(&self, i: usize) -> usize {
        match self.codes {
            Some(_) => self.max_bp,
            None => self.sequences[i].len().min(self.max_bp),
        }
    }

    /// The tokens of sequence `i`, one per base.
    pub fn get(&self, i: usize) -> impl Iterator<Item = u8> {
        let length = self.bases(i);
        // All letters have been checked; an unchecked one would become padding.
        let (letters, tokens) = match &self.codes {
            Some(codes) => (&codes.bytes[i * length..(i + 1) * length], &BYTES),
            None => (&self.sequences[i].as_bytes()[..length], &TOKENS),
        };
        letters.iter().map(|&letter| tokens[usize::from(letter)])
    }

    /// Appends sequence `i` in the model's format to `out`: the start token, the bases, and padding
    /// up to `width` tokens, which must be large enough.
    pub fn extend_padded(&self, i: usize, width: usize, out: &mut Vec<u8>) {
        let end = out.len() + width;
        out.push(START);
        out.extend(self.get(i));
        debug_assert!(out.len() <= end);
        out.resize(end, PAD);
    }
}

/// The token of a letter; padding for characters that are not sequence letters.
pub fn token_of(letter: u8) -> u8 {
    TOKENS[usize::from(letter)]
}

/// The token of every byte; padding for characters that are not sequence letters.
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

/// The tokens of features without sequences: the bytes themselves.
const BYTES: [u8; 256] = {
    let mut tokens = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        tokens[byte] = byte as u8;
        byte += 1;
    }
    tokens
};

/// Rejects a sequence that cannot be tokenized; returns whether it is truncated.
fn checked(id: &str, sequence: &str, options: &TokenOptions) -> Result<bool, DataError> {
    let place = || format!("ASV '{}'", shorten(id));
    if sequence.is_empty() {
        return Err(DataError::new("the sequence is empty").at(place()));
    }
    let length = sequence.chars().count();
    if length > options.max_bp && !options.truncate {
        // For something that is not a sequence, a wrong character is a clearer error than its
        // length.
        if let Some((at, c)) = first_fault(sequence, length) {
            return Err(fault(at, c).at(place()));
        }
        return Err(DataError::new(format!(
            "the sequence has {}, more than the {} allowed",
            counted(length, "base"),
            options.max_bp
        ))
        .at(place())
        .help(format!(
            "allow more (--max-bp {length}), or cut sequences (--truncate)"
        )));
    }
    match first_fault(sequence, options.max_bp) {
        Some((at, c)) => Err(fault(at, c).at(place())),
        None => Ok(length > options.max_bp),
    }
}

/// The token of a letter; `None` if it is not an IUPAC nucleotide code.
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

/// The first of `most` characters that is not a nucleotide code, and its position.
fn first_fault(sequence: &str, most: usize) -> Option<(usize, char)> {
    sequence
        .chars()
        .enumerate()
        .take(most)
        .find(|&(_, c)| token(c).is_none())
}

fn fault(position: usize, c: char) -> DataError {
    let problem = format!(
        "expected a nucleotide at position {}, found '{}'",
        position + 1,
        c.escape_default()
    );
    DataError::new(problem).help(match c {
        '-' | '.' => "gaps belong to alignments: give the sequences unaligned",
        _ => {
            "ASVs must be named by their sequence, or their sequences given in a file (--sequences rep-seqs.fasta); if the table has samples as rows, add --transpose"
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
    fn invalid_bases_are_named_with_their_place() {
        let options = TokenOptions::default();
        let error = tokens("ACX", &options).unwrap_err();
        assert!(error.starts_with("ASV 'id': expected a nucleotide at position 3, found 'X'"));
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
                .contains("position 5, found 'e'")
        );
    }

    #[test]
    fn long_sequences_are_refused_or_truncated() {
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
