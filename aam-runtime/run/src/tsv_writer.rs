//! Text with tabs whose first column holds ids.

use std::path::Path;

use crate::error::RunError;
use crate::run_directory::write_whole_bytes;

/// Writes rows of cells; those that need it stand in quotes.
pub(crate) fn tsv_writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new()
        .delimiter(b'\t')
        .quote_style(csv::QuoteStyle::Necessary)
        // An id is no comment to whoever reads the file.
        .comment(Some(b'#'))
        .from_writer(Vec::new())
}

/// Writes a table with this header to `path`; all rows have as many cells as it.
///
/// # Errors
/// A file that cannot be written.
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
