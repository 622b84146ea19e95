//! The ASVs that the network uses of a sample with many.

use aam_api::export::{Attribute, Element, Graph, Value};
use aam_data::AsvSampling;
use aam_train::checkpoint::manifest::DataPolicy;

/// The `reads` of samples, `[samples, asvs]`, without those of ASVs beyond the limit of the `policy`, as
/// `aam_data::choose_asvs` chooses them: the most abundant, or the first. A random choice is left out.
pub fn limited(graph: &mut Graph, reads: &Value, asvs: usize, policy: &DataPolicy) -> Value {
    if asvs <= policy.token_limit {
        return reads.clone();
    }
    match policy.asv_sampling {
        AsvSampling::Abundance => most_abundant(graph, reads, policy.token_limit),
        AsvSampling::First => first(graph, reads, policy.token_limit),
        AsvSampling::Random => reads.clone(),
    }
}

/// Of equally abundant ASVs, the first.
fn most_abundant(graph: &mut Graph, reads: &Value, limit: usize) -> Value {
    let number = graph.constant(&[1], &[limit as i64]);
    let axis = || vec![("axis", Attribute::Int(1))];
    let (largest, places) = graph.apply_for_two("TopK", &[reads, &number], axis());
    let none = graph.sub(reads, reads);
    graph.apply("ScatterElements", &[&none, &places, &largest], axis())
}

fn first(graph: &mut Graph, reads: &Value, limit: usize) -> Value {
    let zero = graph.scalar(0f32);
    let present = graph.apply("Greater", &[reads, &zero], vec![]);
    let present = graph.cast(&present, Element::Float);
    let numbers = graph.running_sum_of_rows(&present);
    let limit = graph.scalar(limit as f32);
    let used = graph.apply("LessOrEqual", &[&numbers, &limit], vec![]);
    graph.apply("Where", &[&used, reads, &zero], vec![])
}
