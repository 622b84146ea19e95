//! What a check found, in the words that the page and the program's output share.

use crate::check::{ColumnFound, Examples, GroupFound, Matching, SequencesFound, ValuesAre};

/// Most classes that a line names.
const MOST_CLASSES: usize = 8;

/// Some of many names: `3, such as a, b`.
pub fn some(of: &Examples) -> String {
    match of.examples.is_empty() {
        true => of.count.to_string(),
        false => format!("{}, such as {}", of.count, of.examples.join(", ")),
    }
}

/// Where sequences lie on the gene, in a sentence.
pub fn gene(sequences: &SequencesFound) -> String {
    let Some(place) = &sequences.place else {
        return "where they lie on the 16S gene is not known: most hold none of the stretches that \
                its genes share"
            .to_owned();
    };
    let region = place
        .region
        .as_deref()
        .unwrap_or("between variable regions");
    let direction = match (place.forwards, place.reversed) {
        (_, 0) => "in its direction".to_owned(),
        (0, _) => "reverse complements of it".to_owned(),
        (forwards, reversed) => format!("{forwards} in its direction, {reversed} reversed"),
    };
    let unplaced = match sequences.unplaced {
        0 => String::new(),
        some => format!("; {some} of {} cannot be placed", sequences.looked_at),
    };
    format!(
        "{region} of the 16S gene, bases {} to {} of E. coli's; {direction}{unplaced}",
        place.start, place.end
    )
}

/// How a file goes together with the table, in a line.
pub fn matching(found: &Matching) -> String {
    let Matching { of, with, .. } = found;
    let mut text = match found.both == found.table {
        true => format!("all {} {of} are in the {with}", found.table),
        false => format!("{} of {} {of} are in the {with}", found.both, found.table),
    };
    if found.only_table.count > 0 {
        text.push_str(&format!("; not there: {}", some(&found.only_table)));
        if found.lost_reads > 0.0 {
            text.push_str(&format!(
                " ({:.1} % of the reads)",
                100.0 * found.lost_reads
            ));
        }
    }
    if found.only_other.count > 0 {
        text.push_str(&format!("; only there: {}", some(&found.only_other)));
    }
    text
}

/// What a column holds, in a sentence.
pub fn column(found: &ColumnFound) -> String {
    let mut text = format!(
        "{}, {} samples with a value, {} without",
        found.kind.words(),
        found.known,
        found.missing
    );
    if !found.missing_words.is_empty() {
        let words = found.missing_words.iter();
        let words: Vec<String> = words.map(|(word, n)| format!("'{word}' {n}")).collect();
        text.push_str(&format!("; words for none: {}", words.join(", ")));
    }
    text
}

/// The values of a column, in a line.
pub fn values(found: &ColumnFound) -> String {
    let classes = || {
        let shown = found.classes.iter().take(MOST_CLASSES);
        let shown: Vec<String> = shown.map(|(class, n)| format!("{class} {n}")).collect();
        match found.distinct > MOST_CLASSES {
            true => format!(
                "{} and {} more",
                shown.join(", "),
                found.distinct - MOST_CLASSES
            ),
            false => shown.join(", "),
        }
    };
    match (found.kind, &found.numbers) {
        (ValuesAre::Numbers, Some(numbers)) => numbers.to_string(),
        (ValuesAre::Nothing, _) => String::new(),
        _ if !found.classes.is_empty() => classes(),
        _ => format!("{} different", found.distinct),
    }
}

/// What the values of a column are shared by.
pub fn group(found: &GroupFound) -> String {
    format!(
        "{} values, {} of them for several samples ({} in all)",
        found.values, found.repeated, found.samples
    )
}

/// `aam` with arguments, as a POSIX shell takes them.
pub fn command_line(arguments: &[String]) -> String {
    let quoted = arguments.iter().map(|text| quoted(text));
    format!("aam {}", quoted.collect::<Vec<_>>().join(" "))
}

/// Quotes for a POSIX shell, where it is needed.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,:=+@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted() {
        let arguments = ["check", "my study", "it's", "a-b.c"].map(str::to_owned);
        assert_eq!(
            command_line(&arguments),
            r"aam check 'my study' 'it'\''s' a-b.c"
        );
    }
}
