//! Text with tabs whose first column holds ids.

/// Writes rows of cells; those that need it stand in quotes.
pub(crate) fn tsv_writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new()
        .delimiter(b'\t')
        .quote_style(csv::QuoteStyle::Necessary)
        // An id is no comment to whoever reads the file.
        .comment(Some(b'#'))
        .from_writer(Vec::new())
}
