//! Numbers and names formatted for readers.

use std::path::Path;

/// Three significant digits, or all integer digits of larger numbers; a dash for NaN.
pub fn number(value: f64) -> String {
    let text = match value.abs() {
        size if !size.is_finite() => return "–".to_owned(),
        0.0 => return "0".to_owned(),
        size if size < 0.001 => format!("{value:.1e}"),
        size if size < 1.0 => format!("{value:.3}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        size if size < 1e6 => format!("{value:.0}"),
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

/// Formats a metric that may be missing.
pub fn maybe(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), plain)
}

/// Formats a probability.
pub fn share(value: f64) -> String {
    match value < 0.001 {
        true => "< 0.001".to_owned(),
        false => number(value),
    }
}

/// Display name of a method.
pub fn method(name: &str) -> String {
    match name {
        "random_forest" => "Random Forest".to_owned(),
        "trivial" => "trivial guess".to_owned(),
        "model" => "model".to_owned(),
        other => other.replace('_', " "),
    }
}

/// Formats seconds in the two largest units.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 60.0 => format!("{s:.0} s"),
        s if s < 3600.0 => format!("{} min {} s", s as u64 / 60, s as u64 % 60),
        s => format!("{} h {} min", s as u64 / 3600, s as u64 / 60 % 60),
    }
}

/// Formats a number of bytes in a suitable unit.
pub fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        b if b < 1e3 => format!("{b} B"),
        b if b < 1e6 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}

/// The last components of a path.
pub fn file_name(path: &str) -> String {
    let path = Path::new(path);
    let parts: Vec<_> = path.iter().rev().take(2).collect();
    let parts: Vec<_> = parts
        .iter()
        .rev()
        .map(|part| part.to_string_lossy())
        .collect();
    parts.join("/").replace("//", "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_as_people_read_them() {
        let shown = [0.8264, -3.22159, 42.0, 12_345.6, 0.0, f64::NAN, 1e-5].map(number);
        assert_eq!(
            shown,
            ["0.826", "−3.22", "42.0", "12346", "0", "–", "1.0e−5"]
        );
        assert_eq!(
            (plain(-4e-6).as_str(), plain(0.25).as_str()),
            ("0", "0.250")
        );
        assert_eq!(
            (share(1e-5), share(0.5)),
            ("< 0.001".to_owned(), "0.500".to_owned())
        );
        assert_eq!(duration(3725.0), "1 h 2 min");
        assert_eq!(file_name("/data/mice/table.biom"), "mice/table.biom");
    }
}
