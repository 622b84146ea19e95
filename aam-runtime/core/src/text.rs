//! Foreign text, such as ids, column names and paths, as displayed to users and written to table
//! files.
//!
//! Invisible characters, and characters that would move the cursor or colour or reorder the text of a
//! terminal or page, are escaped: `\u{1b}` for an escape character. Files keep ids as they are, quoted
//! if necessary.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether `c` is not displayed as itself: control characters, directional marks, zero-width
/// characters, tags.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn written_out(
    text: &str,
    is_hidden: impl Fn(char) -> bool,
    write: impl Fn(&mut String, char),
) -> Cow<'_, str> {
    if !text.contains(&is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_hidden(c) {
            true => write(&mut shown, c),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// A count with its noun, given in the singular.
pub fn counted(number: usize, noun: &str) -> String {
    let last = noun.rsplit(' ').next().unwrap_or(noun);
    let takes_es = ["class", "batch", "branch"].contains(&last);
    match number {
        1 => format!("1 {noun}"),
        _ if takes_es => format!("{number} {noun}es"),
        _ => format!("{number} {noun}s"),
    }
}

/// The word that agrees with a count: `one` with 1, `several` with any other number.
pub fn agreeing<'a>(number: usize, one: &'a str, several: &'a str) -> &'a str {
    match number {
        1 => one,
        _ => several,
    }
}

/// `text` of several lines for display: everything invisible except line breaks is escaped.
pub fn visible(text: &str) -> Cow<'_, str> {
    written_out(text, |c| is_hidden(c) && c != '\n', write_escaped)
}

/// Like [`visible`], for text that belongs on one line, such as a table cell.
pub fn visible_line(text: &str) -> Cow<'_, str> {
    written_out(text, is_hidden, write_escaped)
}

fn write_escaped(shown: &mut String, c: char) {
    match c.is_ascii() {
        true => shown.extend(c.escape_default()),
        false => shown.extend(c.escape_unicode()),
    }
}

/// `text` with escaped line breaks, for an id or path in a message, where a line break would look
/// like a separate message. Other invisible characters are escaped when the message is displayed.
pub fn one_line(text: &str) -> Cow<'_, str> {
    written_out(text, |c| matches!(c, '\n' | '\r'), write_escaped)
}

/// Equivalent JSON without invisible characters.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    written_out(
        json,
        |c| is_hidden(c) && c != '\n',
        |shown, c| {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        },
    )
}

/// `text` as a cell of a tab-separated file, in double quotes if it contains a tab, a line break or a
/// quote, has leading or trailing blanks, or would read as a comment.
pub fn cell(text: &str) -> Cow<'_, str> {
    let is_plain =
        !text.contains(['\t', '\n', '\r', '"']) && !text.starts_with('#') && text.trim() == text;
    match is_plain {
        true => Cow::Borrowed(text),
        false => Cow::Owned(format!("\"{}\"", text.replace('"', "\"\""))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_agree_with_their_counts() {
        let counts = [(1, "batch"), (2, "batch"), (0, "epoch"), (3, "class")];
        let counts = counts.map(|(number, noun)| counted(number, noun));
        assert_eq!(counts, ["1 batch", "2 batches", "0 epochs", "3 classes"]);
        let words = [0, 1, 2].map(|number| agreeing(number, "is", "are"));
        assert_eq!(words, ["are", "is", "are"]);
    }

    #[test]
    fn control_characters_are_escaped() {
        for (text, shown) in [
            ("Gut 1 – é", "Gut 1 – é"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("a\rb\tc\u{7}", "a\\rb\\tc\\u{7}"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("abc\u{202e}fed", "abc\\u{202e}fed"),
            ("S1\u{200b}", "S1\\u{200b}"),
            ("one\ntwo", "one\ntwo"),
        ] {
            assert_eq!(visible(text), shown);
        }
        assert_eq!(visible_line("one\ntwo\t"), "one\\ntwo\\t");
        assert_eq!(one_line("one\r\ntwo\t"), "one\\r\\ntwo\t");
    }

    #[test]
    fn escaped_json_is_equivalent() {
        let json = "{\"id\": \"a\u{202e}b\u{e0041}\u{9b}\"}";
        let shown = visible_json(json);
        assert_eq!(shown, "{\"id\": \"a\\u202eb\\udb40\\udc41\\u009b\"}");
        assert!(shown.is_ascii());
    }

    #[test]
    fn cells_are_quoted_if_necessary() {
        for (text, written) in [
            ("S1 a", "S1 a"),
            ("a\tb", "\"a\tb\""),
            ("a\nb", "\"a\nb\""),
            ("5\" pipe", "\"5\"\" pipe\""),
            ("#1", "\"#1\""),
            (" a", "\" a\""),
        ] {
            assert_eq!(cell(text), written);
        }
    }
}
