//! Subgroups of the held-out samples by quarters of a number, and their errors as a file.

use aam_core::text::cell;
use aam_evaluation::distribution::quantile;
use aam_evaluation::subgroups::FEWEST;
use serde_json::{Map, Value};

use super::gathered::{AboutSample, Gathered};
use super::groups::Grouping;
use super::{MOST_TARGETS, errors};

/// A grouping by the quarters of `values`. `None` if they do not differ, or if a third is unknown.
pub fn quarters(column: &str, values: &[Option<f64>]) -> Option<Grouping> {
    let mut sorted: Vec<f64> = values.iter().flatten().copied().collect();
    sorted.retain(|value| value.is_finite());
    if sorted.len() < FEWEST || 3 * sorted.len() < 2 * values.len() {
        return None;
    }
    sorted.sort_unstable_by(f64::total_cmp);
    let mut cuts: Vec<f64> = [0.25, 0.5, 0.75]
        .into_iter()
        .map(|share| quantile(&sorted, share))
        .collect();
    cuts.dedup();
    // A cut at the largest value divides nothing.
    cuts.retain(|cut| sorted.last().is_some_and(|last| cut < last));
    if cuts.is_empty() {
        return None;
    }
    // The values of every part, without parts between cuts that no value separates.
    let place = |value: f64| cuts.partition_point(|cut| *cut < value);
    let parts: Vec<&[f64]> = sorted
        .chunk_by(|one, next| place(*one) == place(*next))
        .collect();
    let name = |value: f64| {
        let part = parts
            .iter()
            .position(|part| part[part.len() - 1] >= value)?;
        let ends = [parts[part][0], parts[part][parts[part].len() - 1]];
        let [low, high] = ends.map(short);
        Some(format!("{}: {low} to {high}", part + 1))
    };
    let of = values.iter().map(|value| {
        let value = (*value).filter(|value| value.is_finite())?;
        name(value)
    });
    Some(Grouping {
        column: column.to_owned(),
        of: of.collect(),
        explained: 0.0,
        asked: true,
    })
}

/// A number with three significant digits, or an integer.
fn short(value: f64) -> String {
    match value.fract() == 0.0 && value.abs() < 1e9 {
        true => format!("{value:.0}"),
        false => super::words::number(value),
    }
}

/// The units of the samples: their groups, or each by itself.
pub fn units(about: &[AboutSample], samples: usize) -> Vec<usize> {
    let groups: Option<Vec<usize>> = about.iter().map(|about| about.group).collect();
    match groups {
        Some(groups) if groups.len() == samples => groups,
        _ => (0..samples).collect(),
    }
}

/// `errors_by.tsv`: the subgroups of every target that the page shows. `None` if there are none.
pub fn tsv(gathered: &Gathered, settings: &Map<String, Value>) -> Option<String> {
    let mut text =
        "target\tby\tgroup\tsamples\terror\tlower\tupper\terror_of_others\tp\tq\tworse\n"
            .to_owned();
    let head = text.len();
    for target in gathered.targets.iter().take(MOST_TARGETS) {
        let (_, subgroups) = errors::analysed(target, &gathered.about, settings);
        for of in subgroups {
            let known = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
            let (low, high) = (of.interval.map(|i| i.0), of.interval.map(|i| i.1));
            text.push_str(&format!(
                "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
                cell(&target.name),
                cell(&of.by),
                cell(&of.name),
                of.samples,
                of.error,
                known(low),
                known(high),
                of.of_others,
                known(of.p),
                known(of.q),
                if of.is_worse() { "yes" } else { "no" }
            ));
        }
    }
    (text.len() > head).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_have_equal_numbers_and_equal_values_are_not_divided() {
        let values: Vec<Option<f64>> = (1..=40).map(|value| Some(f64::from(value))).collect();
        let found = quarters("reads", &values).unwrap();
        let first = found
            .of
            .iter()
            .flatten()
            .filter(|name| name.starts_with("1: "));
        assert_eq!(first.count(), 10);
        assert_eq!(found.of[0].as_deref(), Some("1: 1 to 10"));
        assert!(quarters("reads", &[Some(5.0); 40]).is_none());
        // Most are 0: two parts, those of 0 and the others.
        let mut many = vec![Some(0.0); 30];
        many.extend((1..=10).map(|value| Some(f64::from(value))));
        let mut names: Vec<String> = quarters("u", &many)
            .unwrap()
            .of
            .into_iter()
            .flatten()
            .collect();
        names.dedup();
        assert_eq!(names, ["1: 0 to 0", "2: 1 to 10"]);
    }
}
