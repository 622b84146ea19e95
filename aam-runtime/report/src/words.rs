//! Wording of check results that the page and the program's output share.

use crate::check::{
    ColumnFound, Examples, GroupFound, GroupedTarget, GroupingFound, Matching, SequencesFound,
    ValuesAre,
};
use aam_core::text::{agreeing, counted};

/// Maximum number of classes named in a line.
const MOST_CLASSES: usize = 8;

/// Formats the number of names with examples: `3, such as a, b`.
pub fn some(of: &Examples) -> String {
    match of.examples.is_empty() {
        true => of.count.to_string(),
        false => format!("{}, such as {}", of.count, of.examples.join(", ")),
    }
}

/// Describes where the sequences lie on the gene.
pub fn gene(sequences: &SequencesFound) -> String {
    let Some(place) = &sequences.place else {
        return "their position on the 16S gene is unknown: most contain none of the stretches that \
                16S genes share"
            .to_owned();
    };
    let region = place
        .region
        .as_deref()
        .unwrap_or("between variable regions");
    let direction = match (place.forwards, place.reversed) {
        (_, 0) => "in its orientation".to_owned(),
        (0, _) => "reverse complements of it".to_owned(),
        (forwards, reversed) => format!("{forwards} in its orientation, {reversed} reversed"),
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

/// Describes how a file matches the table, in one line.
pub fn matching(found: &Matching) -> String {
    let Matching { of, with, .. } = found;
    let mut text = match found.both == found.table {
        true => format!("all {} {of} are in the {with}", found.table),
        false => format!("{} of {} {of} are in the {with}", found.both, found.table),
    };
    if found.only_table.count > 0 {
        text.push_str(&format!("; missing from it: {}", some(&found.only_table)));
        if found.lost_reads > 0.0 {
            text.push_str(&format!(
                " ({:.1} % of the reads)",
                100.0 * found.lost_reads
            ));
        }
    }
    if found.only_other.count > 0 {
        text.push_str(&format!("; only in it: {}", some(&found.only_other)));
    }
    text
}

/// Describes the contents of a column in one sentence.
pub fn column(found: &ColumnFound) -> String {
    let mut text = format!(
        "{}, {} with a value, {} without",
        found.kind.words(),
        counted(found.known, "sample"),
        found.missing
    );
    if !found.missing_words.is_empty() {
        let words = found.missing_words.iter();
        let words: Vec<String> = words.map(|(word, n)| format!("'{word}' {n}")).collect();
        text.push_str(&format!("; read as missing: {}", words.join(", ")));
    }
    text
}

/// The values of a column in one line.
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
        _ => counted(found.distinct, "distinct value"),
    }
}

/// Describes how many samples share the values of a column.
pub fn group(found: &GroupFound) -> String {
    format!(
        "{}, {} of them shared by several samples ({} in all)",
        counted(found.values, "value"),
        found.repeated,
        counted(found.samples, "sample")
    )
}

/// Describes the groups that a training run would keep together, without their sizes.
pub fn grouping(found: &GroupingFound) -> String {
    let missing = match found.missing {
        0 => String::new(),
        missing => format!(
            "; {} without a value {} one of them",
            counted(missing, "sample"),
            agreeing(missing, "is", "are")
        ),
    };
    format!(
        "{} of '{}'{missing}",
        counted(found.groups, "group"),
        found.column
    )
}

/// Describes the values of a target within groups.
pub fn grouped(found: &GroupedTarget) -> String {
    match (found.constant, found.groups) {
        (constant, all) if constant == all => format!(
            "the same value in all samples of a group, so {all} groups count as {all} values"
        ),
        (0, all) => format!("different values within each of {}", counted(all, "group")),
        (constant, all) => format!("the same value in all samples of {constant} of {all} groups"),
    }
}

/// Formats `aam` and its arguments for a POSIX shell.
pub fn command_line(arguments: &[String]) -> String {
    let quoted = arguments.iter().map(|text| quoted(text));
    format!("aam {}", quoted.collect::<Vec<_>>().join(" "))
}

/// Quotes text for a POSIX shell, if necessary.
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
