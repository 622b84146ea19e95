//! Numbers as people and spreadsheets write them.

/// The form of a cell that is not a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// `6,09`.
    DecimalComma,
    /// `1,056`, `1.056.000` or `1 056`: a thousands separator, or a decimal comma.
    Thousands,
    /// `60%`.
    Percent,
    /// `#N/A`, `#DIV/0!` and the like.
    SpreadsheetError,
    /// `01.02.2021`, `2021-02-01`.
    Date,
    /// `<5`, `>100`.
    Bound,
}

/// The form of `text`, if it is one of these.
pub fn written(text: &str) -> Option<Written> {
    let text = text.trim();
    if is_spreadsheet_error(text) {
        return Some(Written::SpreadsheetError);
    }
    if let Some(number) = text.strip_suffix('%') {
        let number = number.trim_end();
        return (is_number(number) || comma(number).is_some()).then_some(Written::Percent);
    }
    if let Some(number) = text.strip_prefix(['<', '>', '≤', '≥', '~']) {
        let number = number.trim_start_matches(['=', ' ']);
        return (is_number(number) || comma(number).is_some()).then_some(Written::Bound);
    }
    if is_date(text) {
        return Some(Written::Date);
    }
    comma(text)
}

/// Whether `text` is a spreadsheet error, shown where a formula has no value.
pub fn is_spreadsheet_error(text: &str) -> bool {
    [
        "#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!",
        "#NV", "#WERT!", "#BEZUG!", "#ZAHL!",
    ]
    .contains(&text)
}

impl Written {
    /// What to do about a column of such cells.
    pub fn help(self) -> &'static str {
        match self {
            Self::DecimalComma => {
                "these are numbers with decimal commas: write points (in R `dec = \".\"`; in a \
                 spreadsheet choose an English locale before saving as text)"
            }
            Self::Thousands => {
                "these look like numbers with a thousands separator or a decimal comma, which \
                 cannot be told apart: write plain numbers such as 1056 or 1.056"
            }
            Self::Percent => "these are percentages: write plain numbers, without '%'",
            Self::SpreadsheetError => {
                "these are errors of spreadsheet formulas: leave the cells empty where there \
                 is no value"
            }
            Self::Date => {
                "these are dates: convert them to numbers first, such as days since the first date"
            }
            Self::Bound => {
                "these are bounds, not numbers: write the number to use, or leave the cells \
                 empty"
            }
        }
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && digits.parse::<f64>().is_ok()
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A number containing separators other than a single point.
fn comma(text: &str) -> Option<Written> {
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    for separator in [',', '.', '\'', '’', ' ', '\u{a0}', '\u{202f}'] {
        let (whole, fraction) = match separator {
            ',' => number.split_once('.').unwrap_or((number, "0")),
            '.' => number.split_once(',').unwrap_or((number, "0")),
            _ => number.split_once(['.', ',']).unwrap_or((number, "0")),
        };
        let mut groups = whole.split(separator);
        let first = groups.next().unwrap_or_default();
        let mut rest = groups.peekable();
        let grouped = rest.peek().is_some()
            && digits(first)
            && first.len() <= 3
            && rest.all(|group| group.len() == 3 && digits(group));
        let alone = separator == '.' && whole.matches('.').count() < 2 && !number.contains(',');
        if grouped && digits(fraction) && !alone {
            return Some(Written::Thousands);
        }
    }
    let (whole, fraction) = number.split_once(',')?;
    (digits(whole) && digits(fraction)).then_some(Written::DecimalComma)
}

/// Whether `text` is a number in any common notation: `6,09`, `60%`, `<5`.
pub fn means_number(text: &str) -> bool {
    let plainly = is_number(text.trim());
    plainly
        || matches!(
            written(text),
            Some(Written::DecimalComma | Written::Thousands | Written::Percent | Written::Bound)
        )
}

/// Whether `text` is a date, with or without a time.
pub fn is_date(text: &str) -> bool {
    let day = text.split(['T', ' ']).next().unwrap_or_default();
    ['.', '-', '/'].iter().any(|&separator| {
        let parts: Vec<&str> = day.split(separator).collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        let year_last = matches!(lengths[..], [1 | 2, 1 | 2, 2 | 4]);
        let year_first = matches!(lengths[..], [4, 1 | 2, 1 | 2]);
        parts.iter().all(|part| digits(part)) && (year_last || year_first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_notations_are_recognised() {
        for text in ["6.09", "-2", "1e3", "6,09", "60 %", "<5"] {
            assert!(means_number(text), "{text}");
        }
        for text in ["", "low", "2021-02-01", "#N/A", "5 mg"] {
            assert!(!means_number(text), "{text}");
        }
        for (text, what) in [
            ("6,09", Some(Written::DecimalComma)),
            ("-0,5", Some(Written::DecimalComma)),
            ("1000,000", Some(Written::DecimalComma)),
            ("1,056", Some(Written::Thousands)),
            ("1,056,000.5", Some(Written::Thousands)),
            ("1.056.000", Some(Written::Thousands)),
            ("1.056,5", Some(Written::Thousands)),
            ("1 056", Some(Written::Thousands)),
            ("60%", Some(Written::Percent)),
            ("6,5 %", Some(Written::Percent)),
            ("#N/A", Some(Written::SpreadsheetError)),
            ("01.02.2021", Some(Written::Date)),
            ("2021-02-01T10:00", Some(Written::Date)),
            ("2/1/21", Some(Written::Date)),
            ("<5", Some(Written::Bound)),
            ("1.056", None),
            ("neutral", None),
            ("a,b", None),
            ("", None),
            ("10 years", None),
        ] {
            assert_eq!(written(text), what, "{text}");
        }
    }
}
