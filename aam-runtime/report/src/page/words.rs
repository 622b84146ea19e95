//! Numbers and names formatted for readers.

use std::path::Path;

pub use crate::numbers::{count, number, plain};

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

/// A name with the unit of its values, if they have one.
pub fn with_unit(name: &str, unit: Option<&str>) -> String {
    match unit {
        Some(unit) => format!("{name} ({unit})"),
        None => name.to_owned(),
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
    fn numbers_and_names_are_readable() {
        assert_eq!(
            (share(1e-5), share(0.5)),
            ("< 0.001".to_owned(), "0.500".to_owned())
        );
        assert_eq!(duration(3725.0), "1 h 2 min");
        assert_eq!(file_name("/data/mice/table.biom"), "mice/table.biom");
    }
}
