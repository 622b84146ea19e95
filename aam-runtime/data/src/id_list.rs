//! Lists of ids, one per line, or in the first column of a table.

use std::path::Path;

use super::metadata::is_id_header;
use super::separator::Separator;
use super::table::check_ids;
use super::tsv_rows::Rows;
use super::{DataError, container};
use aam_core::text::cell;

/// Formats a list that [`read_ids`] reads back, whatever the ids are. Ids are quoted if they
/// contain tabs or line breaks or begin like a comment; a header is added if the first id would be
/// taken for one.
pub fn id_list<'a>(ids: impl IntoIterator<Item = &'a String>) -> String {
    let mut text = String::new();
    for id in ids {
        if text.is_empty() && is_id_header(id) {
            text.push_str("sample-id\n");
        }
        text.push_str(&cell(id));
        text.push('\n');
    }
    text
}

/// Reads ids, one per line or from the first column of a table. Skips empty lines, QIIME 2's
/// directives, and a first line that begins with the name of an id column.
///
/// # Errors
/// If the file cannot be read or an id is repeated.
pub fn read_ids(path: impl AsRef<Path>) -> Result<Vec<String>, DataError> {
    let (source, _) = container::open(path.as_ref())?;
    let text = source.text()?;
    ids_in(&text).map_err(|error| source.in_file(error))
}

fn ids_in(text: &str) -> Result<Vec<String>, DataError> {
    let mut ids = Vec::new();
    let mut rows = Rows::new(text, Separator::Tab);
    while let Some((line, cells)) = rows.next_row()? {
        let first = cells.into_iter().next().unwrap_or_default();
        let id = match rows.begins_quoted() {
            true => first,
            false => first.trim().to_owned(),
        };
        let is_header = line == 1 && is_id_header(&id);
        if !(id.is_empty() || is_header || id.starts_with("#q2:")) {
            ids.push(id);
        }
    }
    check_ids(&ids, "sample")?;
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_read_back() {
        let read_back = |ids: &[&str]| {
            let ids: Vec<String> = ids.iter().map(|&id| id.to_owned()).collect();
            assert_eq!(ids_in(&id_list(&ids)).unwrap(), ids);
        };
        read_back(&[
            "S1", "S 2", "#1", "a\tb", "a\nb", "a\r\nb", "\"q\"", " x ", "5\"",
        ]);
        read_back(&["sample-id", "id"]);
        read_back(&["#SampleID", "x"]);
        assert_eq!(id_list(&["S1".to_owned(), "S2".to_owned()]), "S1\nS2\n");
    }

    #[test]
    fn lists_of_other_programs() {
        for text in [
            "sample-id\tph\n#q2:types\tnumeric\nS1\t7\nS2\t6\n",
            "\"sample-id\"\n\"S1\"\n\"S2\"\n",
            " S1\r\n\r\nS2 \r\n",
        ] {
            assert_eq!(ids_in(text).unwrap(), ["S1", "S2"], "{text}");
        }
        assert!(ids_in("S1\nS1\n").is_err());
    }
}
