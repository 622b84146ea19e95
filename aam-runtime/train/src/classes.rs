//! Reports about the classes before training: the number of samples of each, and possible mistakes.

use std::collections::BTreeMap;

use aam_data::says_missing;
use aam_evaluation::distribution::Distribution;
use aam_evaluation::results::RawColumn;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_study::Notes;

use super::sample_categories::listed;

/// Maximum number of classes named in a line.
const MOST_NAMED: usize = 20;

/// Reports the classes of `columns` with their numbers of samples, and warns of possible mistakes;
/// for numbers, reports their range and quartiles.
///
/// # Errors
/// Those of the observer.
pub fn tell(columns: &[RawColumn], observer: &mut dyn Observer) -> Result<(), RunError> {
    for column in columns {
        let Some(classes) = &column.classes else {
            if let Some(values) = Distribution::of(column.values.iter().copied()) {
                observer.observe(&Event::Note(&format!(
                    "values of '{}': {values}",
                    column.name
                )))?;
            }
            continue;
        };
        let mut counts = vec![0; classes.len()];
        for &class in &column.values {
            counts[class as usize] += 1;
        }
        observer.observe(&Event::Note(&list(&column.name, classes, &counts)))?;
        for text in
            alike(&column.name, classes)
                .into_iter()
                .chain(lone(&column.name, classes, &counts))
        {
            observer.observe(&Event::Warning(&text))?;
        }
    }
    Ok(())
}

/// Lists the classes in order with their numbers of samples; if there are many, the most frequent
/// ones.
fn list(name: &str, classes: &[String], counts: &[usize]) -> String {
    let mut pairs: Vec<(&String, usize)> = classes.iter().zip(counts.iter().copied()).collect();
    let more = match pairs.len().checked_sub(MOST_NAMED) {
        None | Some(0) => String::new(),
        Some(more) => {
            pairs.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            let most = pairs[MOST_NAMED].1;
            pairs.truncate(MOST_NAMED);
            format!(" and {more} more with at most {most}")
        }
    };
    let pairs: Vec<String> = pairs.iter().map(|(c, n)| format!("{c} {n}")).collect();
    format!("classes of '{name}': {}{more}", pairs.join(", "))
}

/// A warning of classes that are probably the same, with different spellings.
pub fn alike(name: &str, classes: &[String]) -> Option<String> {
    let mut spellings: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for class in classes {
        spellings.entry(form(class)).or_default().push(class);
    }
    let several = spellings.values().filter(|classes| classes.len() > 1);
    let named: Vec<String> = several
        .map(|classes| {
            let quoted: Vec<String> = classes.iter().map(|class| format!("'{class}'")).collect();
            quoted.join(" and ")
        })
        .collect();
    (!named.is_empty()).then(|| {
        format!(
            "column '{name}': these differ only in case, blanks or number format, and are learned as separate classes: {}; if they are the same, use one spelling in the metadata",
            listed(&named, MOST_NAMED)
        )
    })
}

/// The normal form of a class name, which is the same for different spellings.
fn form(class: &str) -> String {
    match class.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => (number + 0.0).to_string(),
        _ => {
            let kept = class.chars().filter(|c| !c.is_whitespace() && *c != '_');
            kept.collect::<String>().to_lowercase()
        }
    }
}

/// A warning of classes with a single sample.
pub fn lone(name: &str, classes: &[String], counts: &[usize]) -> Option<String> {
    let lone = classes.iter().zip(counts).filter(|(_, count)| **count < 2);
    let lone: Vec<String> = lone.map(|(class, _)| format!("'{class}'")).collect();
    (!lone.is_empty()).then(|| {
        let words = match lone.len() {
            1 => "the class of one sample",
            _ => "classes of one sample each",
        };
        format!(
            "column '{name}': {words} can be used for training or validation, but not both: {}; leave the cell empty, or merge it with another class",
            listed(&lone, MOST_NAMED)
        )
    })
}

/// Reports how many samples of the column `name` have a word for a missing value. `written` are the
/// values in the file, and `known` those that are used.
///
/// # Errors
/// Those of `notes`.
pub fn tell_missing(
    name: &str,
    written: &[Option<&str>],
    is_known: impl Fn(usize) -> bool,
    are_classes: bool,
    notes: &mut Notes<'_>,
) -> Result<(), RunError> {
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    for (row, text) in written.iter().enumerate() {
        if let Some(word) = text.filter(|text| says_missing(text) && !is_known(row)) {
            *words.entry(word).or_default() += 1;
        }
    }
    let Some(first) = words.keys().next() else {
        return Ok(());
    };
    let named: Vec<String> = words.iter().map(|(w, n)| format!("'{w}' {n}")).collect();
    let keep = match are_classes {
        true => format!("; to learn one as a class, add for example --keep-class '{first}'"),
        false => String::new(),
    };
    notes(format!(
        "column '{}': words for a missing value are treated as missing: {}{keep}",
        name.trim(),
        listed(&named, MOST_NAMED)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn classes_are_listed_with_their_samples() {
        let text = list("diet", &classes(&["bd", "fd"]), &[450, 249]);
        assert_eq!(text, "classes of 'diet': bd 450, fd 249");
        let many: Vec<String> = (0..50).map(|i| format!("c{i}")).collect();
        let counts: Vec<usize> = (0..50).collect();
        let text = list("site", &many, &counts);
        assert!(
            text.starts_with("classes of 'site': c49 49, c48 48"),
            "{text}"
        );
        assert!(
            text.ends_with("c30 30 and 30 more with at most 29"),
            "{text}"
        );
    }

    #[test]
    fn spellings_of_one_class_are_reported() {
        let names = classes(&["1", "1.0", "Acid", "acid", "gut wall", "Gut_wall", "2"]);
        let text = alike("x", &names).unwrap();
        for pair in [
            "'1' and '1.0'",
            "'Acid' and 'acid'",
            "'gut wall' and 'Gut_wall'",
        ] {
            assert!(text.contains(pair), "{text}");
        }
        assert!(!text.contains("'2'"), "{text}");
        assert_eq!(alike("x", &classes(&["+", "-", "a", "b", "0", "1"])), None);
    }

    #[test]
    fn classes_of_one_sample_are_explained() {
        let names = classes(&["a", "b", "c"]);
        assert_eq!(lone("x", &names, &[2, 3, 4]), None);
        let text = lone("x", &names, &[1, 3, 4]).unwrap();
        assert!(
            text.contains("the class of one sample") && text.contains("'a';"),
            "{text}"
        );
        let text = lone("x", &names, &[1, 1, 4]).unwrap();
        assert!(text.contains("'a', 'b';"), "{text}");
    }

    #[test]
    fn words_that_were_left_out_are_counted() {
        let written = [Some("NA"), Some("a"), None, Some("NA"), Some("unknown")];
        let tell = |are_classes, kept: &[usize]| {
            let mut told = String::new();
            let is_known = |row: usize| row == 1 || kept.contains(&row);
            let mut notes = |note: String| {
                told = note;
                Ok(())
            };
            tell_missing(" x", &written, is_known, are_classes, &mut notes).unwrap();
            told
        };
        assert_eq!(
            tell(true, &[]),
            "column 'x': words for a missing value are treated as missing: 'NA' 2, 'unknown' 1; to learn one as a class, add for example --keep-class 'NA'"
        );
        assert!(tell(false, &[4]).ends_with("'NA' 2"));
        assert_eq!(tell(true, &[0, 3, 4]), "");
    }
}
