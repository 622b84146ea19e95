//! A file to be read, however it is packed.
//!
//! Opening a [`Source`] reads only the first bytes. Gzip is decompressed transparently, and the
//! kind of content is detected from the content, never from the file name. Damaged and hostile
//! files must result in errors, so nothing here allocates more than the available bytes can account
//! for.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use aam_core::io_words::{in_words, unreadable};
use flate2::read::MultiGzDecoder;

use super::DataError;
use super::bounded::{Bounded, Bytes, not_a_file, read_at_most, streamed_limit, unpacked_limit};
pub use super::kind::Kind;
use super::kind::{is_gzip, kind_of};
use super::pipe;

/// Size of the beginning that is kept for recognition.
const HEAD: u64 = 1 << 16;
/// Maximum number of bytes read from a pipe.
const MOST_FROM_PIPE: u64 = 4 << 30;
/// Longest line of a text file.
const LONGEST_LINE: u64 = 1 << 26;

#[derive(Clone)]
enum Content {
    Plain(u64),
    Gzip(u64),
    Memory(Bytes),
}

/// A file or a member of an archive, opened for reading.
#[derive(Clone)]
pub struct Source {
    path: PathBuf,
    member: Option<String>,
    content: Content,
    head: Vec<u8>,
}

impl Source {
    /// Opens the file at `path` and reads its beginning.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let metadata = std::fs::metadata(path).map_err(|e| unreadable(path, &e))?;
        match not_a_file(&metadata) {
            None => {}
            Some("a pipe") => {
                // A pipe can only be read once.
                let pipe = pipe::open(path).map_err(|e| unreadable(path, &e))?;
                let bytes = read_at_most(pipe, MOST_FROM_PIPE).map_err(|e| match e.kind() {
                    io::ErrorKind::FileTooLarge => {
                        let problem = "is a pipe that provides more than 4 GiB";
                        DataError::in_file(path, problem).help("give a file")
                    }
                    _ => unreadable(path, &e),
                })?;
                return Self::from_bytes(path, None, bytes);
            }
            Some(kind) => {
                let problem = format!("is {kind}, expected a file");
                return Err(DataError::in_file(path, problem));
            }
        }
        let file = File::open(path).map_err(|e| unreadable(path, &e))?;
        let head = read_head(file).map_err(|e| unreadable(path, &e))?;
        let mut source = Self {
            path: path.to_owned(),
            member: None,
            content: Content::Plain(metadata.len()),
            head,
        };
        if is_gzip(&source.head) {
            source.content = Content::Gzip(metadata.len());
            source.head = read_head(source.reader()?).map_err(|e| source.read_error(&e))?;
            if is_gzip(&source.head) {
                return Err(source
                    .error("is compressed twice with gzip")
                    .help("decompress it once with `gunzip`"));
            }
        }
        Ok(source)
    }

    /// Wraps bytes read from `path`, or from `member` of the archive there.
    pub fn from_bytes(
        path: &Path,
        member: Option<&str>,
        bytes: Vec<u8>,
    ) -> Result<Self, DataError> {
        let mut source = Self {
            path: path.to_owned(),
            member: member.map(str::to_owned),
            head: bytes[..bytes.len().min(HEAD as usize)].to_vec(),
            content: Content::Memory(bytes.into()),
        };
        if is_gzip(&source.head) {
            let packed = source.bytes()?;
            let limit = unpacked_limit(packed.len() as u64);
            let bytes = read_at_most(MultiGzDecoder::new(Cursor::new(packed)), limit)
                .map_err(|e| source.read_error(&e))?;
            source.head = bytes[..bytes.len().min(HEAD as usize)].to_vec();
            source.content = Content::Memory(bytes.into());
        }
        Ok(source)
    }

    /// Path of the file, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of the file on disk if it contains the content directly: not compressed, not in an
    /// archive.
    pub fn plain_file(&self) -> Option<&Path> {
        matches!(self.content, Content::Plain(_)).then_some(&*self.path)
    }

    /// The beginning of the content.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Compressed size on disk.
    pub fn size(&self) -> u64 {
        match &self.content {
            Content::Plain(size) | Content::Gzip(size) => *size,
            Content::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Maximum number of bytes that a reader may take from the content.
    pub fn limit(&self) -> u64 {
        match &self.content {
            Content::Gzip(size) => unpacked_limit(*size),
            Content::Plain(size) => *size,
            Content::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Kind of the content.
    pub fn kind(&self) -> Kind {
        kind_of(&self.head)
    }

    /// A reader of the content from its beginning.
    pub fn reader(&self) -> Result<Box<dyn Read + Send>, DataError> {
        let open = || File::open(&self.path).map_err(|e| unreadable(&self.path, &e));
        Ok(match &self.content {
            Content::Plain(_) => Box::new(open()?),
            Content::Gzip(_) => Box::new(MultiGzDecoder::new(BufReader::new(open()?))),
            Content::Memory(bytes) => Box::new(Cursor::new(bytes.clone())),
        })
    }

    /// A reader of the content from its beginning that fails beyond the limit.
    pub fn bounded_reader(&self) -> Result<Bounded, DataError> {
        Ok(Bounded::new(self.reader()?, self.limit()))
    }

    /// The complete content.
    pub fn bytes(&self) -> Result<Bytes, DataError> {
        if let Content::Memory(bytes) = &self.content {
            return Ok(bytes.clone());
        }
        let bytes = read_at_most(self.reader()?, self.limit()).map_err(|e| self.read_error(&e))?;
        Ok(bytes.into())
    }

    /// The complete content as text, without a byte order mark.
    pub fn text(&self) -> Result<String, DataError> {
        self.refuse_utf16()?;
        let bytes = read_at_most(self.reader()?, self.limit()).map_err(|e| self.read_error(&e))?;
        let mut text = String::from_utf8(bytes).map_err(|e| {
            let good = e.utf8_error().valid_up_to();
            let line = 1 + e.as_bytes()[..good].iter().filter(|&&b| b == b'\n').count();
            self.not_utf8().at(format!("line {line}"))
        })?;
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Ok(text)
    }

    /// Calls `each` with the number (from 1) and text of every line, without its line ending.
    ///
    /// Lines end in `\n` or `\r\n`, or in `\r` if the beginning of the file contains no `\n`.
    pub fn lines(
        &self,
        mut each: impl FnMut(usize, &str) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        self.refuse_utf16()?;
        let ending = if self.head.contains(&b'\n') || !self.head.contains(&b'\r') {
            b'\n'
        } else {
            b'\r'
        };
        let limit = match &self.content {
            Content::Gzip(size) => streamed_limit(*size),
            _ => self.limit(),
        };
        let reader = Bounded::new(self.reader()?, limit);
        let mut reader = BufReader::with_capacity(1 << 16, reader);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = (&mut reader)
                .take(LONGEST_LINE)
                .read_until(ending, &mut line)
                .map_err(|e| self.read_error(&e))?;
            if read == 0 {
                break;
            }
            let place = || format!("line {number}");
            if read as u64 == LONGEST_LINE {
                return Err(self.error("the line does not end").at(place()));
            }
            let mut text = std::str::from_utf8(&line).map_err(|_| self.not_utf8().at(place()))?;
            if number == 1 {
                text = text.strip_prefix('\u{feff}').unwrap_or(text);
            }
            let text = text.strip_suffix(ending as char).unwrap_or(text);
            each(number, text.strip_suffix('\r').unwrap_or(text))
                .map_err(|e| self.locate(e, place))?;
        }
        Ok(())
    }

    /// An error in this file.
    pub fn error(&self, problem: impl Into<String>) -> DataError {
        self.in_file(DataError::new(problem))
    }

    /// Adds this file, and the member of the archive, to `error`.
    pub fn in_file(&self, error: DataError) -> DataError {
        let mut error = error.file(&self.path);
        if let Some(member) = &self.member
            && !error
                .place
                .as_ref()
                .is_some_and(|p| p.starts_with(member.as_str()))
        {
            error.place = Some(match error.place.take() {
                Some(place) => format!("{member}, {place}"),
                None => member.clone(),
            });
        }
        error
    }

    /// Adds this file to `error`, and `place` if it has none.
    fn locate(&self, mut error: DataError, place: impl FnOnce() -> String) -> DataError {
        error.place.get_or_insert_with(place);
        self.in_file(error)
    }

    /// An error that occurred while reading the content.
    pub fn read_error(&self, error: &io::Error) -> DataError {
        let packed = matches!(self.content, Content::Gzip(_));
        match error.kind() {
            io::ErrorKind::UnexpectedEof if packed => self
                .error("the gzip data ends too early: the file is cut short")
                .help("fetch or copy the file again"),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if packed => self
                .error(format!("the gzip data is damaged ({})", in_words(error)))
                .help("fetch or copy the file again"),
            io::ErrorKind::FileTooLarge => self
                .error(error.to_string())
                .help("if the file is valid, unpack it first"),
            _ => self.in_file(DataError::new(format!(
                "cannot be read: {}",
                in_words(error)
            ))),
        }
    }

    fn refuse_utf16(&self) -> Result<(), DataError> {
        if self.kind() == Kind::Utf16 {
            return Err(self
                .error("is UTF-16 text, expected UTF-8")
                .help("in Excel, save as 'Text (Tab delimited)', not 'Unicode Text'"));
        }
        Ok(())
    }

    fn not_utf8(&self) -> DataError {
        self.error("is not UTF-8 text")
            .help("save the file with the encoding UTF-8")
    }
}

fn read_head(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn source(bytes: &[u8]) -> Source {
        Source::from_bytes(Path::new("file"), None, bytes.to_vec()).unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_line_ending_is_read() {
        for text in ["\u{feff}a\nb\n", "a\r\nb", "a\rb\r"] {
            let mut lines = Vec::new();
            source(text.as_bytes())
                .lines(|n, line| {
                    lines.push((n, line.to_owned()));
                    Ok(())
                })
                .unwrap();
            assert_eq!(lines, [(1, "a".to_owned()), (2, "b".to_owned())]);
        }
    }

    #[test]
    fn a_bomb_is_refused_and_a_truncated_file_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bomb.gz");
        std::fs::write(&path, gzip(&vec![0u8; 200 << 20])).unwrap();
        let error = Source::open(&path)
            .unwrap()
            .bytes()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("bomb.gz: unpacks to far more than"),
            "{error}"
        );
        let lines = Source::open(&path).unwrap().lines(|_, _| Ok(()));
        let error = lines.unwrap_err().to_string();
        assert!(error.contains("does not end"), "{error}");
        std::fs::write(&path, gzip(&b"a\n".repeat(100 << 20))).unwrap();
        let lines = Source::open(&path).unwrap().lines(|_, _| Ok(()));
        let error = lines.unwrap_err().to_string();
        assert!(
            error.contains("bomb.gz: unpacks to far more than"),
            "{error}"
        );

        let mut cut = gzip(
            &(0..100_000u32)
                .flat_map(u32::to_le_bytes)
                .collect::<Vec<_>>(),
        );
        cut.truncate(cut.len() / 2);
        std::fs::write(&path, cut).unwrap();
        let error = Source::open(&path)
            .unwrap()
            .bytes()
            .unwrap_err()
            .to_string();
        assert!(error.contains("ends too early"), "{error}");
    }

    #[test]
    fn text_must_be_utf8() {
        let error = source(b"id\nb\xff\n").text().unwrap_err().to_string();
        assert_eq!(
            error,
            "file: line 2: is not UTF-8 text\n  help: save the file with the encoding UTF-8"
        );
        assert!(
            source(b"\xff\xfei\0")
                .text()
                .unwrap_err()
                .to_string()
                .contains("UTF-16")
        );
    }
}
