//! The association of another column with a target.

use std::collections::HashMap;

use aam_data::Metadata;
use aam_evaluation::association::{
    agreement, cramers_v, ranges_apart, rank_correlation, ranks, variance_explained,
};
use aam_report::check::{ColumnFound, Related, ValuesAre};

/// Fraction of the samples, of the variance or of a correlation from which a column determines the
/// target.
const DETERMINES: f64 = 0.98;
/// The same for ranges of numbers that do not overlap.
const GROUPS_DETERMINE: f64 = 0.95;
/// Cramér's V that a column must have in addition: if nearly all samples have one class, any column
/// predicts nearly all samples.
const BESIDES: f64 = 0.9;
/// Minimum number of samples for a meaningful association.
const FEWEST: usize = 10;
/// Fraction of the samples that may lack a value, or have one, without this being informative.
const NEARLY_ALL: f64 = 0.95;

/// The values of a target, one per sample.
pub enum Values {
    /// Numbers.
    Numbers(Vec<Option<f64>>),
    /// Classes, with their names.
    Classes(Vec<Option<usize>>, Vec<String>),
}

/// The relation of another column to a target.
pub enum Relation {
    /// It determines the target, at least nearly.
    Determines(Related),
    /// It is associated with the target.
    GoesWith(Related),
}

impl Values {
    /// The values of the existing column `name`.
    pub fn of(metadata: &Metadata, name: &str, ids: &[String], classes: bool) -> Self {
        match classes {
            true => {
                let (of, names) = groups(metadata, name, ids);
                Self::Classes(of, names)
            }
            false => Self::Numbers(metadata.numbers(name, ids).unwrap_or_default()),
        }
    }
}

/// The values of a column as numbers, and their names.
fn groups(metadata: &Metadata, name: &str, ids: &[String]) -> (Vec<Option<usize>>, Vec<String>) {
    let texts = metadata.texts(name, ids).unwrap_or_default();
    let (mut known, mut names) = (HashMap::new(), Vec::new());
    let of = texts.into_iter().map(|text| {
        let text = text?;
        let next = names.len();
        let group = *known.entry(text).or_insert(next);
        if group == next {
            names.push(text.to_owned());
        }
        Some(group)
    });
    (of.collect(), names)
}

/// The relation of the column `other` to the target.
pub fn with(
    own: &Values,
    metadata: &Metadata,
    other: &ColumnFound,
    ids: &[String],
) -> Option<Relation> {
    let by_groups = || {
        let (of, _) = groups(metadata, &other.name, ids);
        with_groups(own, &other.name, &of)
    };
    let by_numbers = || {
        let numbers = metadata.numbers(&other.name, ids).ok()?;
        numbers_say(own, &other.name, &numbers)
    };
    let found = match other.kind {
        ValuesAre::Numbers => by_numbers(),
        ValuesAre::Codes => match (by_groups(), by_numbers()) {
            (Some(Relation::Determines(one)), _) | (_, Some(Relation::Determines(one))) => {
                Some(Relation::Determines(one))
            }
            (one, two) => one.or(two),
        },
        ValuesAre::Classes | ValuesAre::Text | ValuesAre::Dates => by_groups(),
        ValuesAre::Constant | ValuesAre::Ids | ValuesAre::Nothing => None,
    };
    match found {
        Some(Relation::Determines(_)) => found,
        _ => known_for_some(own, metadata, other, ids).or(found),
    }
}

/// The relation of a categorical column to the target.
fn with_groups(own: &Values, name: &str, of: &[Option<usize>]) -> Option<Relation> {
    let related = |strength: f64, how: String| Related {
        name: name.to_owned(),
        strength,
        how,
    };
    match own {
        Values::Classes(classes, _) => {
            let v = cramers_v(classes, of);
            let (share, samples) = agreement(of, classes)?;
            let both = of
                .iter()
                .zip(classes)
                .filter(|(a, b)| a.is_some() && b.is_some());
            let both = both.count();
            if both < FEWEST {
                return None;
            }
            let determines = share >= DETERMINES && v >= BESIDES && 2 * samples >= both;
            Some(match determines {
                true => Relation::Determines(related(
                    v,
                    format!(
                        "each of its values has one class, for {:.0} % of the samples",
                        100.0 * share
                    ),
                )),
                false => Relation::GoesWith(related(v, format!("Cramér's V {v:.2}"))),
            })
        }
        Values::Numbers(numbers) => {
            let pairs = of.iter().zip(numbers);
            let (of, numbers): (Vec<Option<usize>>, Vec<f64>) = pairs
                .filter_map(|(group, number)| Some((Some((*group)?), (*number)?)))
                .unzip();
            let groups = of
                .iter()
                .flatten()
                .collect::<std::collections::HashSet<_>>()
                .len();
            if numbers.len() < FEWEST || numbers.len() < 2 * groups {
                return None;
            }
            let share = variance_explained(&of, &numbers).max(0.0);
            let how = format!("its values explain {:.0} % of the variance", 100.0 * share);
            Some(match share >= GROUPS_DETERMINE {
                true => Relation::Determines(related(share, how)),
                // On the scale of a correlation, for comparison with others.
                false => Relation::GoesWith(related(share.sqrt(), how)),
            })
        }
    }
}

/// The relation of a numeric column to the target.
fn numbers_say(own: &Values, name: &str, numbers: &[Option<f64>]) -> Option<Relation> {
    if let Values::Classes(classes, _) = own {
        let known = numbers
            .iter()
            .zip(classes)
            .filter(|(n, c)| n.is_some() && c.is_some());
        if known.count() >= 2 * FEWEST && ranges_apart(numbers, classes) {
            return Some(Relation::Determines(Related {
                name: name.to_owned(),
                strength: 1.0,
                how: "each class has a range of its numbers".to_owned(),
            }));
        }
    }
    let related = with_numbers(own, name, numbers)?;
    let says_all = matches!(own, Values::Numbers(_)) && related.strength >= DETERMINES;
    Some(match says_all {
        true => Relation::Determines(related),
        false => Relation::GoesWith(related),
    })
}

/// The association of a target with numbers, computed on ranks so that neither scale nor outliers
/// matter.
pub fn with_numbers(own: &Values, name: &str, numbers: &[Option<f64>]) -> Option<Related> {
    let (strength, how) = match own {
        Values::Numbers(own) => {
            let pairs = own.iter().zip(numbers);
            let (own, numbers): (Vec<f64>, Vec<f64>) =
                pairs.filter_map(|(a, b)| Some(((*a)?, (*b)?))).unzip();
            let correlation = rank_correlation(&own, &numbers);
            let enough = numbers.len() >= FEWEST;
            let how = format!("Spearman's correlation {correlation:.2}");
            enough.then_some((correlation.abs(), how))?
        }
        Values::Classes(classes, names) => {
            let pairs = classes.iter().zip(numbers);
            let (of, numbers): (Vec<Option<usize>>, Vec<f64>) = pairs
                .filter_map(|(class, number)| Some((Some((*class)?), (*number)?)))
                .unzip();
            let share = variance_explained(&of, &ranks(&numbers)).max(0.0);
            let enough = numbers.len() >= FEWEST;
            let how = medians(&of, names, &numbers);
            enough.then_some((share.sqrt(), how))?
        }
    };
    Some(Related {
        name: name.to_owned(),
        strength,
        how,
    })
}

/// The median of each class; if there are many, the lowest and the highest.
fn medians(of: &[Option<usize>], names: &[String], numbers: &[f64]) -> String {
    let mut medians: Vec<(f64, &String)> = Vec::new();
    for (class, name) in names.iter().enumerate() {
        let own = of.iter().zip(numbers).filter(|(of, _)| **of == Some(class));
        let mut own: Vec<f64> = own.map(|(_, number)| *number).collect();
        own.sort_unstable_by(f64::total_cmp);
        if let Some(median) = own.get(own.len() / 2) {
            medians.push((*median, name));
        }
    }
    medians.sort_by(|a, b| a.0.total_cmp(&b.0));
    let shown = |(median, name): &(f64, &String)| format!("{name} {median}");
    match medians.as_slice() {
        [] => "no medians".to_owned(),
        [first, .., last] if medians.len() > 4 => {
            format!("medians from {} to {}", shown(first), shown(last))
        }
        all => format!(
            "medians: {}",
            all.iter().map(shown).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// Detects a column that is filled in only for the samples of some classes.
fn known_for_some(
    own: &Values,
    metadata: &Metadata,
    other: &ColumnFound,
    ids: &[String],
) -> Option<Relation> {
    let Values::Classes(classes, names) = own else {
        return None;
    };
    let texts = metadata.texts(&other.name, ids).ok()?;
    let filled: Vec<Option<usize>> = texts
        .iter()
        .map(|t| Some(usize::from(t.is_some())))
        .collect();
    let share = texts.iter().flatten().count() as f64 / texts.len().max(1) as f64;
    if texts.len() < FEWEST || !(1.0 - NEARLY_ALL..=NEARLY_ALL).contains(&share) {
        return None;
    }
    let v = cramers_v(classes, &filled);
    if v < DETERMINES {
        return None;
    }
    let has = |class: usize| {
        let own = classes
            .iter()
            .zip(&texts)
            .filter(|(of, _)| **of == Some(class));
        let (filled, all) = own.fold((0, 0), |(filled, all), (_, text)| {
            (filled + usize::from(text.is_some()), all + 1)
        });
        2 * filled > all
    };
    let with: Vec<&str> = (0..names.len())
        .filter(|&class| has(class))
        .map(|class| names[class].as_str())
        .collect();
    Some(Relation::Determines(Related {
        name: other.name.clone(),
        strength: v,
        how: format!(
            "is filled in only for {}",
            aam_data::mismatch::three(with.into_iter())
        ),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(of: &[usize]) -> Values {
        let names = ["ill", "well"].map(str::to_owned).to_vec();
        Values::Classes(of.iter().map(|&class| Some(class)).collect(), names)
    }

    fn determines(relation: Option<Relation>) -> bool {
        matches!(relation, Some(Relation::Determines(_)))
    }

    #[test]
    fn kinds_of_a_class_determine_it() {
        let own = classes(&[0, 1].repeat(20));
        let kinds: Vec<Option<usize>> = [0, 2, 1, 2].repeat(10).into_iter().map(Some).collect();
        assert!(determines(with_groups(&own, "kind", &kinds)));
        let coin: Vec<Option<usize>> = [0, 0, 1, 1].repeat(10).into_iter().map(Some).collect();
        assert!(!determines(with_groups(&own, "coin", &coin)));
        // Nearly all samples are of one class.
        let mut rare = vec![0; 40];
        rare[3] = 1;
        assert!(!determines(with_groups(&classes(&rare), "coin", &coin)));
    }

    #[test]
    fn numbers_in_another_unit_determine_a_number() {
        let weeks: Vec<Option<f64>> = (0..20).map(|n| Some(f64::from(n))).collect();
        let days: Vec<Option<f64>> = weeks.iter().map(|n| n.map(|n| 7.0 * n)).collect();
        let other: Vec<Option<f64>> = (0..20).map(|n| Some(f64::from(n * 7 % 20))).collect();
        let own = Values::Numbers(weeks);
        assert!(determines(numbers_say(&own, "days", &days)));
        assert!(!determines(numbers_say(&own, "other", &other)));
        let decades: Vec<Option<usize>> = (0..20).map(|n| Some(n / 10)).collect();
        assert!(!determines(with_groups(&own, "decade", &decades)));
        let halves: Vec<Option<usize>> = (0..20).map(|n| Some(n / 2)).collect();
        assert!(determines(with_groups(&own, "halves", &halves)));
    }

    #[test]
    fn classes_by_a_threshold_follow_from_the_number() {
        let own = classes(&[vec![0; 15], vec![1; 15]].concat());
        let ph: Vec<Option<f64>> = (0..30).map(|n| Some(f64::from(n))).collect();
        assert!(determines(numbers_say(&own, "ph", &ph)));
        let depth = with_numbers(&own, "reads", &ph).unwrap();
        assert!(depth.strength > 0.8, "{}", depth.strength);
        assert_eq!(depth.how, "medians: ill 7, well 22");
    }
}
