//! Attention weights that components publish.

use super::{Check, ensure};
use crate::{AttentionKeys, AttentionQueries, Observation};

/// The largest difference of a sum of weights from 1.
const TOLERANCE: f32 = 1e-4;

/// Checks `observations` of a batch whose samples have the numbers of ASVs `asvs`, in `slots` slots,
/// and `columns` categorical columns. Returns whether there are attention weights among them.
pub(super) fn check(
    observations: &[Observation],
    (asvs, slots): (&[usize], usize),
    columns: usize,
) -> Result<bool, String> {
    let mut published = false;
    for observation in observations {
        let Some(attention) = &observation.attention else {
            continue;
        };
        published = true;
        let name = observation.name;
        let [batch, heads, queries, keys] = observation.values.dims();
        let expected = attention.num_keys(slots, columns);
        ensure!(
            batch == asvs.len() && keys == expected,
            "the attention weights '{name}' of {} samples have the shape {:?}, their keys say {expected}",
            asvs.len(),
            [batch, heads, queries, keys]
        );
        ensure!(
            attention.queries == AttentionQueries::Sample || queries == slots,
            "the attention weights '{name}' have {queries} queries for {slots} ASVs"
        );
        let weights: Vec<f32> = observation.values.clone().into_data().iter().collect();
        for (place, weights) in weights.chunks_exact(keys.max(1)).enumerate() {
            let (sample, query) = (place / (heads * queries), place % queries);
            let is_padding = attention.queries == AttentionQueries::Asvs && query >= asvs[sample];
            if !is_padding {
                check_query(
                    name,
                    weights,
                    &attention.keys,
                    (asvs[sample], slots, columns),
                )?;
            }
        }
    }
    Ok(published)
}

/// The weights of a query are not negative, sum to 1, and are 0 at padding.
fn check_query(
    name: &str,
    weights: &[f32],
    keys: &[AttentionKeys],
    (asvs, slots, columns): (usize, usize, usize),
) -> Check {
    let sum: f32 = weights.iter().sum();
    ensure!(
        (sum - 1.0).abs() < TOLERANCE && weights.iter().all(|weight| *weight >= 0.0),
        "the attention weights '{name}' of a query sum to {sum}, expected 1"
    );
    let mut start = 0;
    for stretch in keys {
        let end = start + stretch.number(slots, columns);
        if *stretch == AttentionKeys::Asvs {
            let padding: f32 = weights[start + asvs..end].iter().sum();
            ensure!(
                padding < TOLERANCE,
                "{padding} of the attention weights '{name}' is given to padding"
            );
        }
        start = end;
    }
    Ok(())
}

/// Checks that a component publishes attention if it says so, and only then.
pub(super) fn check_declared(declared: bool, published: bool) -> Check {
    ensure!(
        declared || !published,
        "publishes attention weights, but does not declare PUBLISHES_ATTENTION"
    );
    ensure!(
        published || !declared,
        "declares PUBLISHES_ATTENTION, but publishes no attention weights"
    );
    Ok(())
}
