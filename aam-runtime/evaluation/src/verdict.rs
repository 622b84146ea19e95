//! Whether a model is better than simpler methods, in a sentence.

use crate::differences::Difference;
use crate::evaluation::{Evaluation, TRIVIAL, number};

/// A sentence for each target: whether the evaluated model is better than guessing and than a forest,
/// by how much, with intervals. Empty where too few samples or groups are held out for intervals.
pub fn verdict(evaluation: &Evaluation) -> String {
    let all = &evaluation.differences;
    let guesses = all.iter().filter(|one| one.other == TRIVIAL);
    let sentences = guesses.map(|guess| {
        let mut others = all.iter().filter(|one| one.other != TRIVIAL);
        sentence(guess, others.find(|one| one.target == guess.target))
    });
    sentences.collect::<Vec<_>>().join("\n")
}

fn sentence(guess: &Difference, forest: Option<&Difference>) -> String {
    let Difference {
        target,
        metric,
        own,
        ..
    } = guess;
    let of = format!("{target}: {metric} {}", number(*own));
    let versus_guess = match side(guess) {
        Side::Above => format!("better than guessing by {}", amount(guess, 1.0)),
        Side::Below => format!("worse than guessing by {}", amount(guess, -1.0)),
        Side::Open => format!(
            "not significantly better than guessing: difference {}",
            amount(guess, 1.0)
        ),
    };
    let Some(forest) = forest else {
        return format!("{of}, {versus_guess}");
    };
    let versus_forest = match side(forest) {
        Side::Above => format!("better than the forest by {}", amount(forest, 1.0)),
        Side::Below => format!("the forest is better by {}", amount(forest, -1.0)),
        Side::Open => format!(
            "no significant difference from the forest: {}",
            amount(forest, 1.0)
        ),
    };
    format!("{of}, {versus_guess}; {versus_forest}")
}

/// The side of 0 that a difference is on.
enum Side {
    Above,
    Below,
    Open,
}

fn side(difference: &Difference) -> Side {
    match difference.interval {
        (low, _) if low > 0.0 => Side::Above,
        (_, high) if high < 0.0 => Side::Below,
        _ => Side::Open,
    }
}

/// `sign` times the difference, with its interval.
fn amount(difference: &Difference, sign: f64) -> String {
    let (low, high) = difference.interval;
    let (a, b) = (sign * low, sign * high);
    let value = number(sign * difference.value);
    format!("{value} ({} to {})", number(a.min(b)), number(a.max(b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::FOREST;

    fn difference(other: &'static str, value: f64, interval: (f64, f64)) -> Difference {
        Difference {
            target: "ph".to_owned(),
            metric: "R²",
            other,
            own: 0.7,
            value,
            interval,
        }
    }

    #[test]
    fn intervals_decide_the_verdict() {
        let good = difference(TRIVIAL, 0.72, (0.6, 0.8));
        assert_eq!(
            sentence(&good, Some(&difference(FOREST, 0.05, (0.01, 0.09)))),
            "ph: R² 0.700, better than guessing by 0.720 (0.600 to 0.800); \
             better than the forest by 0.050 (0.010 to 0.090)"
        );
        let forest = sentence(&good, Some(&difference(FOREST, -0.05, (-0.09, -0.01))));
        assert!(
            forest.ends_with("the forest is better by 0.050 (0.010 to 0.090)"),
            "{forest}"
        );
        let equal = sentence(&good, Some(&difference(FOREST, 0.01, (-0.02, 0.04))));
        assert!(
            equal.ends_with("no significant difference from the forest: 0.010 (-0.020 to 0.040)"),
            "{equal}"
        );
        assert_eq!(
            sentence(&difference(TRIVIAL, 0.02, (-0.1, 0.1)), None),
            "ph: R² 0.700, not significantly better than guessing: difference 0.020 (-0.100 to 0.100)"
        );
    }
}
