//! Numbers as readers of charts and pages see them.

/// A thin space that does not break a line.
const THIN: char = '\u{202f}';

/// Separates the thousands of whole digits in `text` with thin spaces, from five digits on.
pub fn grouped(text: &str) -> String {
    let start = text.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let (sign, digits) = text.split_at(start);
    if digits.len() < 5 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.to_owned();
    }
    let mut grouped = sign.to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            grouped.push(THIN);
        }
        grouped.push(digit);
    }
    grouped
}

/// Formats a count.
pub fn count(count: usize) -> String {
    grouped(&count.to_string())
}

/// Three significant digits, or all whole digits of larger numbers; a dash for NaN.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    // Rounding can add a digit, as from 9.999 to 10.0.
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    let text = match rounded.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.001 => format!("{value:.1e}"),
        size if size < 1e7 => {
            let decimals = (2.0 - size.log10().floor()).max(0.0) as usize;
            grouped(&format!("{value:.decimals$}"))
        }
        _ => format!("{value:.2e}"),
    };
    text.replace('-', "\u{2212}")
}

/// Formats a metric like [`number`], but shows less than a thousandth as zero.
pub fn plain(value: f64) -> String {
    match value.abs() < 0.0005 {
        true => "0".to_owned(),
        false => number(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_thin_spaces() {
        let shown = [0.8264, -3.22159, 42.0, 9.999, 0.012_34, 0.0, f64::NAN, 1e-5].map(number);
        assert_eq!(
            shown,
            [
                "0.826", "−3.22", "42.0", "10.0", "0.0123", "0", "–", "1.0e−5"
            ]
        );
        assert_eq!(number(-12_345.6), "−12\u{202f}346");
        assert_eq!(count(1234), "1234");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(
            grouped("12345.5"),
            "12345.5",
            "digits after a point are not"
        );
        assert_eq!(
            (plain(-4e-6).as_str(), plain(0.25).as_str()),
            ("0", "0.250")
        );
    }
}
