//! Division into training and validation samples.

use std::collections::{BTreeMap, HashMap, HashSet};

use aam_core::text::counted;
use rand::seq::SliceRandom;

use super::DataError;
use aam_core::random::stream;

/// A division of samples, as indices in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Training samples.
    pub train: Vec<usize>,
    /// Validation samples.
    pub validation: Vec<usize>,
}

/// Draws `fraction` of `samples` samples (rounded up) for validation.
///
/// # Errors
/// `fraction` is not between 0 and 1, or would leave one side without samples.
pub fn random_split(samples: usize, fraction: f64, seed: u64) -> Result<Split, DataError> {
    let wanted = validation_size(samples, fraction)?;
    let mut order: Vec<usize> = (0..samples).collect();
    order.shuffle(&mut stream(seed, "split"));
    Ok(divide(order.into_iter().take(wanted), samples))
}

/// Draws `fraction` of the samples (rounded up) for validation, and the same fraction of every
/// class as closely as integers allow; no class is used entirely for validation.
///
/// # Errors
/// Those of [`random_split`], or the classes are too small to provide that many samples.
pub fn stratified_split<L: Ord>(
    labels: &[L],
    fraction: f64,
    seed: u64,
) -> Result<Split, DataError> {
    let wanted = validation_size(labels.len(), fraction)?;
    let mut rng = stream(seed, "split");
    let mut classes: BTreeMap<&L, Vec<usize>> = BTreeMap::new();
    for (sample, label) in labels.iter().enumerate() {
        classes.entry(label).or_default().push(sample);
    }
    let mut classes: Vec<Vec<usize>> = classes.into_values().collect();
    for class in &mut classes {
        class.shuffle(&mut rng);
    }
    let share = |class: &[usize]| class.len() as f64 * fraction;
    let mut sizes: Vec<usize> = classes
        .iter()
        .map(|class| (share(class) as usize).min(class.len() - 1))
        .collect();
    // What is lost by rounding down is added to the classes that lost the most, with ties in random
    // order.
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.shuffle(&mut rng);
    while sizes.iter().sum::<usize>() < wanted {
        let lacking = |c: usize| share(&classes[c]) - sizes[c] as f64;
        let next = order
            .iter()
            .copied()
            .filter(|&c| sizes[c] + 1 < classes[c].len())
            .max_by(|&a, &b| lacking(a).total_cmp(&lacking(b)));
        let Some(next) = next else {
            return Err(DataError::new(format!(
                "{} would leave some of the {} without a training sample",
                counted(wanted, "validation sample"),
                counted(classes.len(), "class")
            ))
            .help("choose a smaller validation fraction, or leave out rare classes"));
        };
        sizes[next] += 1;
    }
    let chosen = classes
        .iter()
        .zip(&sizes)
        .flat_map(|(class, &size)| class[..size].iter().copied());
    Ok(divide(chosen, labels.len()))
}

/// The split given by two lists of ids; samples on neither list are left out.
///
/// # Errors
/// A list is empty, or names a sample that is not in `ids` or that is already on either list.
pub fn listed_split(
    ids: &[String],
    train: &[String],
    validation: &[String],
) -> Result<Split, DataError> {
    let index: HashMap<&str, usize> = ids.iter().enumerate().map(|(i, id)| (&**id, i)).collect();
    let mut seen = HashSet::new();
    let mut side = |name: &str, list: &[String]| {
        if list.is_empty() {
            return Err(DataError::new(format!(
                "the list of {name} samples is empty"
            )));
        }
        let mut rows = Vec::with_capacity(list.len());
        for id in list {
            let Some(&row) = index.get(id.as_str()) else {
                return Err(DataError::new(format!(
                    "the list of {name} samples names '{id}', which is not among the {}",
                    counted(ids.len(), "usable sample")
                ))
                .help(
                    "the sample may lack metadata or have too few reads: remove it from the list",
                ));
            };
            if !seen.insert(row) {
                return Err(DataError::new(format!(
                    "the list of {name} samples names '{id}', which is already listed"
                ))
                .help("name each sample once, on one list"));
            }
            rows.push(row);
        }
        rows.sort_unstable();
        Ok(rows)
    };
    Ok(Split {
        train: side("training", train)?,
        validation: side("validation", validation)?,
    })
}

fn validation_size(samples: usize, fraction: f64) -> Result<usize, DataError> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(DataError::new(format!(
            "the validation fraction must be between 0 and 1, found {fraction}"
        )));
    }
    let wanted = (samples as f64 * fraction).ceil() as usize;
    if wanted == 0 || wanted >= samples {
        return Err(DataError::new(format!(
            "a validation fraction of {fraction} of {} leaves one side empty",
            counted(samples, "sample")
        ))
        .help("use more samples or another fraction"));
    }
    Ok(wanted)
}

fn divide(validation: impl Iterator<Item = usize>, samples: usize) -> Split {
    let mut held = vec![false; samples];
    for sample in validation {
        held[sample] = true;
    }
    let (validation, train) = (0..samples).partition(|&sample| held[sample]);
    Split { train, validation }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(split: &Split, samples: usize) {
        let mut all = [split.train.clone(), split.validation.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..samples).collect::<Vec<_>>());
    }

    #[test]
    fn sizes_are_rounded_up_and_the_seed_decides() {
        let split = random_split(11, 0.2, 3).unwrap();
        assert_eq!(split.validation.len(), 3);
        covers(&split, 11);
        assert_eq!(split, random_split(11, 0.2, 3).unwrap());
        assert_ne!(split, random_split(11, 0.2, 4).unwrap());
        assert_eq!(random_split(2, 0.2, 3).unwrap().train.len(), 1);
    }

    #[test]
    fn a_side_without_samples_is_an_error() {
        for (samples, fraction) in [
            (0, 0.2),
            (1, 0.2),
            (3, 0.9),
            (9, 0.0),
            (9, 1.0),
            (9, f64::NAN),
        ] {
            assert!(
                random_split(samples, fraction, 1).is_err(),
                "{samples} {fraction}"
            );
        }
    }

    #[test]
    fn classes_are_divided_proportionally() {
        let labels: Vec<&str> = std::iter::repeat_n("a", 40)
            .chain(std::iter::repeat_n("b", 20))
            .chain(std::iter::repeat_n("c", 7))
            .chain(["d"])
            .collect();
        let split = stratified_split(&labels, 0.2, 1).unwrap();
        covers(&split, 68);
        assert_eq!(split.validation.len(), 14);
        let of = |class: &str| {
            split
                .validation
                .iter()
                .filter(|&&s| labels[s] == class)
                .count()
        };
        assert_eq!((of("a"), of("b"), of("d")), (8, 4, 0));
        assert_eq!(of("c"), 2);
        assert!(stratified_split(&["a", "b", "c"], 0.5, 1).is_err());
    }

    #[test]
    fn lists_are_looked_up() {
        let ids: Vec<String> = ["a", "b", "c", "d"].map(Into::into).to_vec();
        let list = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
        let split = listed_split(&ids, &list(&["d", "a"]), &list(&["c"])).unwrap();
        assert_eq!((split.train, split.validation), (vec![0, 3], vec![2]));
        for (train, validation, message) in [
            (&["a"][..], &["x"][..], "names 'x'"),
            (&["a"], &["a"], "already listed"),
            (&["a", "a"], &["b"], "already listed"),
            (&["a"], &[], "validation samples is empty"),
        ] {
            let error = listed_split(&ids, &list(train), &list(validation)).unwrap_err();
            assert!(error.problem.contains(message), "{error}");
        }
    }
}
