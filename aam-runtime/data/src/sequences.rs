//! Sequences by id, from FASTA files.
//!
//! Tables whose ASV ids are hashes are accompanied by a file of the sequences: `rep-seqs.fasta`, or
//! a QIIME 2 artifact of type `FeatureData[Sequence]`.

use std::path::Path;

use seq_io::fasta::{Error as FastaError, Reader, Record};

use super::qza::Artifact;
use super::recognise::wrong_file;
use super::role::Role;
use super::source::{Kind, Source};
use super::{DataError, Ids, IdsBuilder, container, ids, mismatch, shorten};
use aam_core::io_words::in_words;
use aam_core::text::{agreeing, counted};

/// IUPAC nucleotide codes, including ambiguity codes.
const LETTERS: &[u8] = b"ACGTURYSWKMBDHVN";

/// Positions of ids: the hash and position of every id, sorted by hash, in a tenth of the memory of
/// a map of strings.
#[derive(Clone, Debug, Default)]
struct Index {
    ids: Ids,
    places: Vec<(u64, u32)>,
}

impl Index {
    /// Indexes `ids`.
    ///
    /// # Errors
    /// The first repeated id.
    fn of(ids: Ids) -> Result<Self, String> {
        let mut places: Vec<(u64, u32)> = ids.iter().map(ids::hash).zip(0..).collect();
        places.sort_unstable();
        for alike in places.chunk_by(|a, b| a.0 == b.0) {
            for (i, (_, place)) in alike.iter().enumerate() {
                let id = &ids[*place as usize];
                let mut before = alike[..i].iter();
                if before.any(|(_, other)| &ids[*other as usize] == id) {
                    return Err(id.to_owned());
                }
            }
        }
        Ok(Self { ids, places })
    }

    fn find(&self, id: &str) -> Option<usize> {
        let hash = ids::hash(id);
        let first = self.places.partition_point(|(other, _)| *other < hash);
        let alike = self.places[first..].iter();
        let mut alike = alike.take_while(|(other, _)| *other == hash);
        let (_, place) = alike.find(|(_, place)| &self.ids[*place as usize] == id)?;
        Some(*place as usize)
    }
}

/// Sequences by id, in upper-case IUPAC letters.
#[derive(Clone, Debug, Default)]
pub struct Sequences {
    labels: Index,
    /// The labels without cluster sizes, if some have them and all remain distinct.
    without_sizes: Option<Index>,
    sequences: Ids,
}

impl Sequences {
    /// The sequence of `id`. If no label equals the id, cluster sizes at the end of either,
    /// `id;size=12;`, are ignored.
    pub fn get(&self, id: &str) -> Option<&str> {
        Some(&self.sequences[self.place(id)?])
    }

    /// The label of the sequence of `id`.
    pub fn label(&self, id: &str) -> Option<&str> {
        Some(&self.labels.ids[self.place(id)?])
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.labels.find(id).or_else(|| {
            let bare = mismatch::without_size(id);
            let found = (bare != id).then(|| self.labels.find(bare)).flatten();
            found.or_else(|| self.without_sizes.as_ref()?.find(bare))
        })
    }

    /// The labels, in the order of the file.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.labels.ids.iter()
    }

    /// The sequences, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.sequences.iter()
    }

    /// Number of sequences.
    pub fn len(&self) -> usize {
        self.labels.ids.len()
    }

    /// Whether there are no sequences.
    pub fn is_empty(&self) -> bool {
        self.labels.ids.is_empty()
    }

    /// The sequences of `ids`, in their order.
    ///
    /// # Errors
    /// Some ids have no sequence; the message shows three of them and three ids of the file.
    pub fn of(&self, ids: &Ids) -> Result<Ids, DataError> {
        let missing: Vec<&str> = ids.iter().filter(|id| self.get(id).is_none()).collect();
        if !missing.is_empty() {
            let mut known: Vec<&str> = self.labels.ids.iter().collect();
            known.sort_unstable();
            let guess = mismatch::guess(missing.iter().copied(), known.iter().copied());
            return Err(DataError::new(format!(
                "{} of {} of the table {} no sequence: {}; the sequences' ids look like {}",
                missing.len(),
                counted(ids.len(), "ASV"),
                agreeing(missing.len(), "has", "have"),
                quote(&missing[..missing.len().min(3)]),
                quote(&known[..known.len().min(3)]),
            ))
            .help(guess.map_or_else(
                || "give the sequences that belong to this table with --sequences".to_owned(),
                |guess| guess.to_string(),
            )));
        }
        Ok(ids.iter().filter_map(|id| self.get(id)).collect())
    }
}

fn quote(ids: &[&str]) -> String {
    let quoted: Vec<String> = ids.iter().map(|id| format!("'{}'", shorten(id))).collect();
    quoted.join(", ")
}

/// Reads sequences from FASTA or a QIIME 2 artifact of type `FeatureData[Sequence]`, gzipped or
/// not.
///
/// RNA is read as DNA (`U` as `T`).
///
/// # Errors
/// The file is something else, an id is empty or repeated, or a sequence is empty or contains
/// characters other than nucleotide codes, such as alignment gaps.
pub fn read_sequences(path: impl AsRef<Path>) -> Result<Sequences, DataError> {
    let (source, _) = container::open(path.as_ref())?;
    match source.kind() {
        Kind::Zip => {
            let mut artifact = Artifact::open(&source)?;
            read(&artifact.payload(Role::Sequences, "dna-sequences.fasta")?)
        }
        _ => read(&source),
    }
}

fn read(source: &Source) -> Result<Sequences, DataError> {
    let head = source.head();
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if head.trim_ascii_start().first() != Some(&b'>') {
        return Err(wrong_file(source, Role::Sequences));
    }
    let bytes = source.bytes()?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let (mut ids, mut sequences) = (IdsBuilder::default(), IdsBuilder::default());
    let mut reader = Reader::new(text);
    while let Some(record) = reader.next() {
        let record = record.map_err(|e| source.in_file(damage(&e)))?;
        let (id, sequence) = entry(&record).map_err(|e| source.in_file(e))?;
        ids.push(&id);
        sequences.push(&sequence);
    }
    let (ids, sequences) = (ids.finish(), sequences.finish());
    let bare: Ids = ids.iter().map(mismatch::without_size).collect();
    let without_sizes = match bare == ids {
        true => None,
        false => Index::of(bare).ok(),
    };
    let labels = Index::of(ids).map_err(|id| {
        source
            .error(format!("the id '{}' occurs more than once", shorten(&id)))
            .help("keep one sequence for each id")
    })?;
    Ok(Sequences {
        labels,
        without_sizes,
        sequences,
    })
}

fn entry(record: &impl Record) -> Result<(String, String), DataError> {
    let head = String::from_utf8_lossy(record.head()).into_owned();
    let id = head
        .split(char::is_whitespace)
        .next()
        .unwrap_or_default()
        .to_owned();
    let place = || format!("sequence '{}'", head.trim());
    if id.is_empty() || id.contains(char::REPLACEMENT_CHARACTER) {
        return Err(DataError::new("has no readable id after '>'")
            .at(place())
            .help("the id must directly follow '>', without a blank: `sed 's/^> */>/' FILE`"));
    }
    let mut sequence = Vec::with_capacity(record.seq().len());
    for &letter in record.seq().iter().filter(|b| !matches!(b, b'\n' | b'\r')) {
        let letter = letter.to_ascii_uppercase();
        if matches!(letter, b'-' | b'.') {
            return Err(DataError::new("contains alignment gaps")
                .at(place())
                .help("give the unaligned sequences"));
        }
        if !LETTERS.contains(&letter) {
            return Err(DataError::new(format!(
                "holds '{}', which is not a nucleotide",
                letter.escape_ascii()
            ))
            .at(place()));
        }
        sequence.push(if letter == b'U' { b'T' } else { letter });
    }
    if sequence.is_empty() {
        return Err(DataError::new("is empty").at(place()));
    }
    Ok((id, String::from_utf8_lossy(&sequence).into_owned()))
}

fn damage(error: &FastaError) -> DataError {
    match error {
        FastaError::InvalidStart { line, .. } => {
            DataError::new("expected '>' and an id").at(format!("line {line}"))
        }
        FastaError::Io(error) => DataError::new(format!("cannot be read: {}", in_words(error))),
        FastaError::BufferLimit => DataError::new("holds a sequence that is too long"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &[u8]) -> Result<Sequences, String> {
        let source = Source::from_bytes(Path::new("s.fasta"), None, text.to_vec()).unwrap();
        read(&source).map_err(|e| e.to_string())
    }

    #[test]
    fn ids_and_letters() {
        let sequences = read_text(b"\xef\xbb\xbf>a first\r\nACgu\r\nRN\r\n\r\n>b\nT").unwrap();
        assert_eq!(sequences.get("a"), Some("ACGTRN"));
        assert_eq!(
            sequences.of(&["b", "a"].iter().collect()).unwrap(),
            ["T", "ACGTRN"]
        );
        let error = sequences
            .of(&["b", "x"].iter().collect())
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("1 of 2 ASVs of the table has no sequence: 'x';"),
            "{error}"
        );
    }

    #[test]
    fn cluster_sizes_are_not_part_of_an_id() {
        let sequences = read_text(b">a;size=12;\nAC\n>b;size=3\nGT\n>c\nTT\n").unwrap();
        for (id, sequence) in [
            ("a", Some("AC")),
            ("a;size=12;", Some("AC")),
            ("b;size=7", Some("GT")),
            ("c;size=1;", Some("TT")),
            ("d", None),
        ] {
            assert_eq!(sequences.get(id), sequence, "{id}");
        }
        // Two labels that differ only in size cannot be told apart without it.
        let sequences = read_text(b">a;size=12;\nAC\n>a;size=3\nGT\n").unwrap();
        assert_eq!(
            (sequences.get("a"), sequences.get("a;size=3")),
            (None, Some("GT"))
        );
    }

    #[test]
    fn errors_name_the_sequence() {
        for (text, message) in [
            (&b">a\nAC\n>a\nAC\n"[..], "the id 'a' occurs more than once"),
            (b">a\n>b\nAC\n", "sequence 'a': is empty"),
            (b"> a\nAC\n", "no readable id"),
            (b">a\nAC-GT\n", "gaps"),
            (b">a\nACE\n", "sequence 'a': holds 'E'"),
            (b">a\n\xe5\n", "holds '\\xe5'"),
            (b"((a,b),c);", "pass it with --tree"),
            (b"", "found an empty file"),
        ] {
            let error = read_text(text).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
