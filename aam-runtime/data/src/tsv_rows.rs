//! Rows of text with quoted cells, as written by spreadsheets.
//!
//! A cell that begins with `"` ends at the next single `"` (a doubled one stands for itself) and
//! may contain separators and line breaks. Rows end in `\n`, `\r\n` or `\r`.

use super::DataError;
use super::separator::Separator;

/// Maximum number of cells of a row.
const MOST_CELLS: usize = 1 << 17;

/// The rows of a text, read one at a time.
pub struct Rows<'t> {
    rest: &'t str,
    line: usize,
    separator: Separator,
    begins_quoted: bool,
}

impl<'t> Rows<'t> {
    /// The rows of `text`, whose cells are separated by `separator`.
    pub fn new(text: &'t str, separator: Separator) -> Self {
        Self {
            rest: text,
            line: 1,
            separator,
            begins_quoted: false,
        }
    }

    /// Whether the first cell of the last row read was quoted.
    pub fn begins_quoted(&self) -> bool {
        self.begins_quoted
    }

    /// The next row: the number of the line it begins on, and its cells (at least one).
    ///
    /// # Errors
    /// A quoted cell is not closed, or is followed by more text before the separator; or a row has
    /// far too many cells.
    pub fn next_row(&mut self) -> Result<Option<(usize, Vec<String>)>, DataError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let begins = self.line;
        let separator = self.separator;
        let parts = |c: char| separator.is(c);
        let mut cells = Vec::new();
        loop {
            if separator == Separator::Blanks {
                self.rest = self.rest.trim_start_matches(parts);
                if self.rest.starts_with(['\n', '\r']) || self.rest.is_empty() {
                    break;
                }
            }
            if cells.is_empty() {
                self.begins_quoted = self.rest.starts_with('"');
            }
            let (cell, after) = if let Some(quoted) = self.rest.strip_prefix('"') {
                quoted_cell(quoted, begins, separator)?
            } else {
                let end = self
                    .rest
                    .find(|c: char| parts(c) || matches!(c, '\n' | '\r'))
                    .unwrap_or(self.rest.len());
                (self.rest[..end].to_owned(), &self.rest[end..])
            };
            self.line += line_breaks(&cell);
            cells.push(cell);
            self.rest = after;
            match self.rest.strip_prefix(parts) {
                Some(next) => self.rest = next,
                None => break,
            }
            if cells.len() == MOST_CELLS {
                return Err(
                    DataError::new("the row has too many cells").at(format!("line {begins}"))
                );
            }
        }
        self.rest = ["\r\n", "\n", "\r"]
            .iter()
            .find_map(|ending| self.rest.strip_prefix(ending))
            .unwrap_or(self.rest);
        self.line += 1;
        if cells.is_empty() {
            cells.push(String::new());
        }
        Ok(Some((begins, cells)))
    }
}

/// The cell whose opening quote has been consumed, and the text after its closing quote.
fn quoted_cell(text: &str, line: usize, separator: Separator) -> Result<(String, &str), DataError> {
    let mut cell = String::new();
    let mut rest = text;
    loop {
        let Some(end) = rest.find('"') else {
            return Err(DataError::new("a quoted cell does not end")
                .at(format!("line {line}"))
                .help("close the quote, or remove the '\"' at the beginning of the cell"));
        };
        cell.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(next) => {
                cell.push('"');
                rest = next;
            }
            None => break,
        }
    }
    // Blanks are allowed between a quoted cell and the separator.
    let ends = rest.trim_start_matches(|c| c == ' ' && !separator.is(c));
    if ends.is_empty() || ends.starts_with(|c| separator.is(c) || matches!(c, '\n' | '\r')) {
        Ok((cell, ends))
    } else {
        Err(DataError::new("text follows the closing quote of a cell")
            .at(format!("line {line}"))
            .help("write a quote inside a quoted cell as two"))
    }
}

fn line_breaks(cell: &str) -> usize {
    let pairs = cell.matches("\r\n").count();
    cell.matches(['\n', '\r']).count() - pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<(usize, Vec<String>)>, DataError> {
        let mut rows = Rows::new(text, Separator::Tab);
        std::iter::from_fn(|| rows.next_row().transpose()).collect()
    }

    #[test]
    fn cells_quotes_and_line_numbers() {
        let text = "a\tb\r\"x\ty\n\"\"z\"\tc\r\n\n\"\"\tlast \"q\"";
        let rows = rows(text).unwrap();
        assert_eq!(
            rows,
            [
                (1, vec!["a".to_owned(), "b".to_owned()]),
                (2, vec!["x\ty\n\"z".to_owned(), "c".to_owned()]),
                (4, vec![String::new()]),
                (5, vec![String::new(), "last \"q\"".to_owned()]),
            ]
        );
    }

    #[test]
    fn other_separators() {
        let rows = |text: &str, separator| {
            let mut rows = Rows::new(text, separator);
            let cells = std::iter::from_fn(|| rows.next_row().unwrap());
            cells.map(|(_, cells)| cells.join("|")).collect::<Vec<_>>()
        };
        assert_eq!(
            rows("a,\"b,c\" ,\n\"d\ne\",f", Separator::Comma),
            ["a|b,c|", "d\ne|f"]
        );
        assert_eq!(
            rows(" a  \"b c\"\n\nd e \n", Separator::Blanks),
            ["a|b c", "", "d|e"]
        );
    }

    #[test]
    fn bad_quotes_are_refused() {
        assert!(
            rows("a\n\"b\tc\n")
                .unwrap_err()
                .to_string()
                .contains("line 2: a quoted cell")
        );
        assert!(
            rows("\"a\"b\tc\n")
                .unwrap_err()
                .to_string()
                .contains("closing quote")
        );
    }
}
