//! Tab-separated text with ids in the first column.

use std::path::Path;

use crate::error::RunError;
use crate::run_directory::write_whole_bytes;

/// A writer for rows of cells; cells are quoted if necessary.
pub(crate) fn tsv_writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new()
        .delimiter(b'\t')
        .quote_style(csv::QuoteStyle::Necessary)
        // Quote ids that would otherwise read as comments.
        .comment(Some(b'#'))
        .from_writer(Vec::new())
}

/// Writes a table with this header to `path`; every row has as many cells as the header.
///
/// # Errors
/// The file cannot be written.
pub fn write_table<C: AsRef<[u8]>>(
    path: &Path,
    header: &[C],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Result<(), RunError> {
    let write = || {
        let mut lines = tsv_writer();
        lines.write_record(header)?;
        for row in rows {
            lines.write_record(row)?;
        }
        lines.into_inner().map_err(csv::IntoInnerError::into_error)
    };
    write_whole_bytes(path, &write().map_err(RunError::write(path))?)
}
