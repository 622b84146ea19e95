//! Container files: zip archives of a single file, and workbooks.

use super::DataError;
use super::qza::{open_zip, read_member};
use super::source::{Kind, Source};
use super::workbook;

/// Maximum number of names shown in a message.
const SHOWN: usize = 5;

/// Opens the file at `path`: the only file of a plain zip archive, the sheet of a workbook as
/// tab-separated text, or the file itself, which includes QIIME 2 artifacts and NumPy archives.
/// Also returns notes.
///
/// # Errors
/// The file cannot be read, or is an archive of several files.
pub fn open(path: &std::path::Path) -> Result<(Source, Vec<String>), DataError> {
    let source = Source::open(path)?;
    if source.kind() != Kind::Zip {
        return Ok((source, Vec::new()));
    }
    let mut archive = open_zip(&source)?;
    let names: Vec<String> = archive
        .file_names()
        .filter_map(Result::ok)
        .map(|name| name.into_owned())
        .collect();
    let has = |end: &str| names.iter().any(|name| name.ends_with(end));
    if has("/metadata.yaml") || has(".npy") {
        return Ok((source, Vec::new()));
    }
    if let Some(kind) = workbook::kind(&names) {
        return workbook::read(&source, &mut archive, kind);
    }
    let hidden = |name: &str| {
        let last = name.rsplit('/').next().unwrap_or_default();
        last.is_empty() || last.starts_with('.') || name.starts_with("__MACOSX/")
    };
    let files: Vec<&String> = names.iter().filter(|name| !hidden(name)).collect();
    match &files[..] {
        [name] => {
            let bytes = read_member(&source, &mut archive, name)?;
            let note = format!("a zip archive; its only file, '{name}', is read");
            let inner = Source::from_bytes(source.path(), Some(name), bytes)?;
            Ok((inner, vec![note]))
        }
        [] => Err(source.error("is a zip archive without files")),
        _ => {
            let shown: Vec<String> = files.iter().take(SHOWN).map(|n| format!("'{n}'")).collect();
            let more = if files.len() > SHOWN { ", …" } else { "" };
            Err(source
                .error(format!(
                    "is a zip archive of {} files: {}{more}",
                    files.len(),
                    shown.join(", ")
                ))
                .help("unpack it and give the file to use"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::read_table;

    fn zipped(files: &[(&str, &str)]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut archive = zip::ZipWriter::new(file.reopen().unwrap());
        for (name, text) in files {
            let options = zip::write::SimpleFileOptions::default();
            archive.start_file(*name, options).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        archive.finish().unwrap();
        file
    }

    #[test]
    fn the_only_file_of_an_archive_is_read() {
        let table = "#OTU ID\ts1\nA\t3\n";
        let file = zipped(&[("t/table.tsv", table), ("__MACOSX/t/._table.tsv", "x")]);
        assert_eq!(read_table(file.path()).unwrap().depth(0), 3);
        let file = zipped(&[("a.tsv", table), ("b.tsv", table)]);
        let error = read_table(file.path()).unwrap_err().to_string();
        assert!(error.contains("of 2 files: 'a.tsv', 'b.tsv'"), "{error}");
        let file = zipped(&[("a.tsv", "#OTU ID\ts1\nA\tx\nB\t1\n")]);
        let error = read_table(file.path()).unwrap_err().to_string();
        assert!(error.contains("a.tsv, line 3"), "{error}");
    }
}
