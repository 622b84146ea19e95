//! Separators between cells of a line of text, and quotes around cells.

use std::borrow::Cow;

/// The separator between two cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Separator {
    #[default]
    Tab,
    Comma,
    Semicolon,
    /// Any number of blanks.
    Blanks,
}

impl Separator {
    /// Finds the separator of the first lines of a table: the header and rows below it.
    ///
    /// A tab always separates cells. Another separator must divide all lines into the same number
    /// of cells, or the header into one cell fewer, as written by R.
    pub fn of(lines: &[&str]) -> Self {
        let Some((header, rows)) = lines.split_first() else {
            return Self::Tab;
        };
        if header.contains('\t') {
            return Self::Tab;
        }
        // Whether it divides all lines equally, and into how many cells.
        let parts = |separator: Self| -> Option<(bool, usize)> {
            let cells = separator.cells(header).len();
            let found: Vec<usize> = rows.iter().map(|row| separator.cells(row).len()).collect();
            let fits = found.iter().all(|&n| n == cells || n == cells + 1);
            let alike = found.iter().all(|&n| n == cells);
            let widest = found.into_iter().max().unwrap_or(cells);
            (fits && widest > 1).then_some((alike, cells))
        };
        [Self::Comma, Self::Semicolon]
            .into_iter()
            .filter(|&separator| parts(separator).is_some())
            .max_by_key(|&separator| parts(separator))
            .or_else(|| Some(Self::Blanks).filter(|&blanks| parts(blanks).is_some()))
            .unwrap_or_default()
    }

    /// Its name, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tab => "tabs",
            Self::Comma => "commas",
            Self::Semicolon => "semicolons",
            Self::Blanks => "blanks",
        }
    }

    /// Whether `c` ends an unquoted cell.
    pub fn is(self, c: char) -> bool {
        match self {
            Self::Tab => c == '\t',
            Self::Comma => c == ',',
            Self::Semicolon => c == ';',
            Self::Blanks => c == ' ' || c == '\t',
        }
    }

    /// The cells of `line`, without surrounding blanks and double quotes. A quote that is never
    /// closed is part of the cell.
    pub fn cells(self, line: &str) -> Vec<Cow<'_, str>> {
        if !line.contains('"') {
            return match self {
                Self::Blanks => line.split_whitespace().map(Cow::Borrowed).collect(),
                _ => line
                    .split(|c| self.is(c))
                    .map(|cell| Cow::Borrowed(cell.trim()))
                    .collect(),
            };
        }
        let mut cells = Vec::new();
        let mut rest = line;
        loop {
            if self == Self::Blanks {
                rest = rest.trim_start();
                if rest.is_empty() {
                    return cells;
                }
            }
            let (cell, after) = self.quoted(rest).unwrap_or_else(|| {
                let end = rest.find(|c| self.is(c)).unwrap_or(rest.len());
                (Cow::Borrowed(rest[..end].trim()), &rest[end..])
            });
            cells.push(cell);
            let mut chars = after.chars();
            match chars.next() {
                Some(_) => rest = chars.as_str(),
                None => return cells,
            }
        }
    }

    /// The quoted cell at the beginning of `text` and the rest; `None` if there is none, or the
    /// quote does not end the cell.
    fn quoted(self, text: &str) -> Option<(Cow<'_, str>, &str)> {
        let is_space = |c: char| c.is_whitespace() && !self.is(c);
        let inner = text.trim_start_matches(is_space).strip_prefix('"')?;
        let mut at = 0;
        loop {
            at += inner[at..].find('"')?;
            if !inner[at + 1..].starts_with('"') {
                break;
            }
            at += 2;
        }
        let after = inner[at + 1..].trim_start_matches(is_space);
        if !(after.is_empty() || after.starts_with(|c| self.is(c))) {
            return None;
        }
        let cell = &inner[..at];
        let cell = match cell.contains("\"\"") {
            true => Cow::Owned(cell.replace("\"\"", "\"")),
            false => Cow::Borrowed(cell),
        };
        Some((cell, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_every_separator() {
        for (separator, line) in [
            (Separator::Tab, "a b\t\"c\"\"d\"\t\t\"x"),
            (Separator::Comma, "a b, \"c\"\"d\" ,,\"x"),
            (Separator::Semicolon, "\"a b\";\"c\"\"d\";\"\";\"x"),
        ] {
            assert_eq!(separator.cells(line), ["a b", "c\"d", "", "\"x"], "{line}");
        }
        assert_eq!(
            Separator::Blanks.cells(" \"a b\"  1\t\"\" 2 "),
            ["a b", "1", "", "2"]
        );
        assert_eq!(Separator::Comma.cells("\"a,b\",c"), ["a,b", "c"]);
    }

    #[test]
    fn separators_are_inferred_from_all_lines() {
        for (lines, separator) in [
            (&["a,b\tc", "1\t2"][..], Separator::Tab),
            (&["id,a,b", "x,1,2", "y,1,2"], Separator::Comma),
            (&["id;a;b", "x;1,5;2", "y;3,5;1"], Separator::Semicolon),
            (&["\"S1\" \"S2\"", "\"A\" 1 2"], Separator::Blanks),
            (&["a", "x,1"], Separator::Comma),
            (&["just a line"], Separator::Blanks),
            (&["id", "x"], Separator::Tab),
            (&["id,k;p;c", "A,k;p;c;d"], Separator::Comma),
        ] {
            assert_eq!(Separator::of(lines), separator, "{lines:?}");
        }
    }
}
