//! Markdown as plain text for a terminal.

/// The text of a page or section, wrapped at `width` columns.
pub(super) fn text(markdown: &str, width: usize) -> String {
    let mut out = Out {
        text: String::new(),
        width,
    };
    let mut lines = markdown.lines().peekable();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with("<!--") {
            continue;
        }
        out.gap();
        if trimmed.starts_with("```") {
            for code in lines
                .by_ref()
                .take_while(|code| !code.trim().starts_with("```"))
            {
                out.line(&format!("    {code}"));
            }
        } else if trimmed.starts_with('#') {
            out.line(&inline(trimmed.trim_start_matches('#').trim()));
        } else if trimmed.starts_with('|') {
            let mut rows = vec![cells(trimmed)];
            while let Some(row) = lines.next_if(|next| next.trim().starts_with('|')) {
                rows.push(cells(row.trim()));
            }
            out.table(&rows);
        } else {
            let mut block = vec![line.to_owned()];
            while let Some(more) = lines.next_if(|next| continues(next)) {
                block.push(more.to_owned());
            }
            out.block(&block);
        }
    }
    out.text
}

/// Whether a line belongs to the paragraph or list before it.
fn continues(line: &str) -> bool {
    let trimmed = line.trim();
    !trimmed.is_empty()
        && !["```", "#", "|", "<!--"]
            .iter()
            .any(|start| trimmed.starts_with(start))
}

struct Out {
    text: String,
    width: usize,
}

impl Out {
    /// An empty line between blocks.
    fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// Words after `first`, wrapped; further lines are indented by `indent` columns.
    fn wrapped(&mut self, first: &str, words: &str, indent: usize) {
        let mut line = first.to_owned();
        let mut is_empty = true;
        for word in words.split_whitespace() {
            let length = line.chars().count() + usize::from(!is_empty) + word.chars().count();
            if !is_empty && length > self.width {
                self.line(&line);
                line = " ".repeat(indent);
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        self.line(&line);
    }

    /// A paragraph, or a list with an item for each line that begins with a mark.
    fn block(&mut self, lines: &[String]) {
        let mut items: Vec<(&str, String)> = Vec::new();
        for line in lines {
            match (mark(line), items.last_mut()) {
                (Some((mark, rest)), _) => items.push((mark, rest.to_owned())),
                (None, Some((_, text))) => {
                    text.push(' ');
                    text.push_str(line.trim());
                }
                (None, None) => items.push(("", line.trim().to_owned())),
            }
        }
        for (mark, text) in items {
            let first = match mark {
                "" => String::new(),
                mark => format!("  {mark} "),
            };
            self.wrapped(&first, &inline(&text), first.chars().count());
        }
    }

    /// A row is its first cell, and the others below it with the names of their columns.
    fn table(&mut self, rows: &[Vec<String>]) {
        let Some((header, rows)) = rows.split_first() else {
            return;
        };
        let is_data = |row: &&Vec<String>| {
            let mut cells = row.iter();
            !cells.all(|cell| !cell.is_empty() && cell.chars().all(|c| "-: ".contains(c)))
        };
        for row in rows.iter().filter(is_data) {
            let Some((first, others)) = row.split_first() else {
                continue;
            };
            // A row without a first cell belongs to the one above.
            if !first.is_empty() {
                self.wrapped("  ", first, 4);
            }
            let named = others.len() > 1;
            for (place, cell) in others
                .iter()
                .enumerate()
                .filter(|(_, cell)| !cell.is_empty())
            {
                let name = header.get(place + 1).map_or("", String::as_str);
                let text = match named && !name.is_empty() {
                    true => format!("{name}: {cell}"),
                    false => cell.clone(),
                };
                self.wrapped("      ", &text, 8);
            }
        }
    }
}

/// The mark of a list item, and the rest of its line.
fn mark(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    if let Some(rest) = line.strip_prefix("- ") {
        return Some(("-", rest));
    }
    let (number, rest) = line.split_once(". ")?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| (&line[..=number.len()], rest))
}

/// The cells of a row of a table, without its marks.
fn cells(row: &str) -> Vec<String> {
    let row = row.trim_matches('|').replace("\\|", "\u{0}");
    let cells = row.split('|').map(|cell| inline(cell.trim()));
    cells.map(|cell| cell.replace('\u{0}', "|")).collect()
}

/// Text without the marks of code, emphasis and links.
pub(super) fn inline(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        let (taken, next) = match letter {
            '`' => match after.split_once('`') {
                Some((code, next)) => (code.to_owned(), next),
                None => ("`".to_owned(), after),
            },
            '[' => match link(after) {
                Some((name, next)) => (inline(name), next),
                None => ("[".to_owned(), after),
            },
            '*' if is_emphasis(&shown, after) => (String::new(), after.trim_start_matches('*')),
            letter => (letter.to_string(), after),
        };
        shown.push_str(&taken);
        rest = next;
    }
    shown
}

/// The text of a link that begins before `after`, and what follows it.
fn link(after: &str) -> Option<(&str, &str)> {
    let (name, rest) = after.split_once("](")?;
    if name.contains('[') {
        return None;
    }
    let (_, next) = rest.split_once(')')?;
    Some((name, next))
}

/// Whether an asterisk between these is a mark and not a sign.
fn is_emphasis(before: &str, after: &str) -> bool {
    let is_blank = |letter: Option<char>| letter.is_none_or(char::is_whitespace);
    !(is_blank(before.chars().next_back()) && is_blank(after.chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_removed() {
        for (markdown, shown) in [
            (
                "[`aam check`](check.md) reads **all** of *these*",
                "aam check reads all of these",
            ),
            ("`a * b` and 2 * 3", "a * b and 2 * 3"),
            ("a list [1, 2] of `x", "a list [1, 2] of `x"),
        ] {
            assert_eq!(inline(markdown), shown);
        }
    }

    #[test]
    fn blocks_are_wrapped() {
        let markdown = "one two three\nfour\n\n- first item\n  goes on\n- second\n\n```sh\naam  x\n```\n\n| a | b |\n|---|---|\n| `x` | is y |\n";
        let expected = "one two three\nfour\n\n  - first item\n    goes on\n  - second\n\n    aam  x\n\n  x\n      is y\n";
        assert_eq!(text(markdown, 15), expected);
        let wide = "| a | b | c |\n|---|---|---|\n| x\\|y | 1 | 2 |\n";
        assert_eq!(text(wide, 80), "  x|y\n      b: 1\n      c: 2\n");
        let joined = "| a | b |\n|---|---|\n| x | 1 |\n| | 2 |\n";
        assert_eq!(text(joined, 80), "  x\n      1\n      2\n");
    }
}
