//! Translation of the reference's parameter names.
//!
//! A name is translated in two steps: its prefix determines the part of the model, the rest the
//! parameter within the part. In the tables, `{}` stands for any single segment.

use std::collections::{BTreeMap, BTreeSet};

/// Prefixes: theirs, ours.
const PARTS: &[(&str, &str)] = &[
    (
        "base_model.sample_encoder.asv_encoder.token_embedding",
        "base.asv_encoder.tokens",
    ),
    (
        "base_model.sample_encoder.asv_encoder.position_embedding",
        "base.asv_encoder.positions",
    ),
    (
        "base_model.sample_encoder.asv_encoder.transformer",
        "base.asv_encoder.transformer",
    ),
    (
        "base_model.sample_encoder.asv_encoder.attention_pooling",
        "base.asv_encoder.pooling",
    ),
    (
        "base_model.sample_encoder.asv_encoder.nucleotide_head",
        "base.asv_encoder.nucleotides",
    ),
    (
        "base_model.sample_encoder.count_embed",
        "base.samples.attention.sample_encoder.counts.embed",
    ),
    (
        "base_model.sample_encoder.count_proj",
        "base.samples.attention.sample_encoder.counts.project",
    ),
    (
        "base_model.sample_encoder.sample_position_embedding",
        "base.samples.attention.sample_encoder.positions",
    ),
    (
        "base_model.sample_encoder.sample_transformer",
        "base.samples.attention.sample_encoder.transformer",
    ),
    (
        "base_model.encoder_transformer",
        "base.samples.attention.encoder",
    ),
    (
        "base_model.attention_pooling",
        "base.samples.attention.pooling",
    ),
    ("count_encoder", "counts.transformer"),
    ("count_head", "counts.head"),
    ("target_encoder", "target.transformer"),
    ("target_pooling", "target.pooling"),
    ("target_norm", "norm"),
    ("output_scale", "output.scale"),
    ("output_bias", "output.bias"),
    ("target_head.mlp", "head.mlp"),
    ("target_head.skip", "head.skip"),
    ("target_head", "head"),
    ("categorical_projection", "fusion.projection"),
    ("gmu.cat_transform", "fusion.category"),
    ("gmu.gate", "fusion.gate"),
    ("cross_attn_fusion.cat_projection", "fusion.tokens.0"),
    ("cross_attn_fusion.cross_attn", "fusion.attention"),
    ("cross_attn_fusion.norm", "fusion.norm"),
    ("perceiver_fusion.latents", "fusion.latents"),
    ("perceiver_fusion.seq_projection", "fusion.asv_projection"),
    (
        "perceiver_fusion.cat_projection",
        "fusion.category_projection",
    ),
    ("perceiver_fusion.cross_attn", "fusion.cross_attention"),
    ("perceiver_fusion.cross_norm", "fusion.cross_norm"),
    ("perceiver_fusion.output_projection", "fusion.output"),
    ("perceiver_fusion", "fusion"),
];

/// Suffixes: theirs, ours. Unlisted suffixes are unchanged.
const INNER: &[(&str, &str)] = &[
    ("position_embedding.{}", "{}"),
    ("encoder.layers.{}.norm1.{}", "layers.{}.attention_norm.{}"),
    (
        "encoder.layers.{}.self_attn.in_proj_weight",
        "layers.{}.qkv.weight",
    ),
    (
        "encoder.layers.{}.self_attn.in_proj_bias",
        "layers.{}.qkv.bias",
    ),
    (
        "encoder.layers.{}.self_attn.out_proj.{}",
        "layers.{}.output.{}",
    ),
    (
        "encoder.layers.{}.norm2.{}",
        "layers.{}.feed_forward_norm.{}",
    ),
    ("encoder.layers.{}.linear1.{}", "layers.{}.expand.{}"),
    ("encoder.layers.{}.linear2.{}", "layers.{}.contract.{}"),
    (
        "self_attn_layers.{}.norm1.{}",
        "layers.{}.attention_norm.{}",
    ),
    (
        "self_attn_layers.{}.self_attn.in_proj_weight",
        "layers.{}.attention.qkv.weight",
    ),
    (
        "self_attn_layers.{}.self_attn.in_proj_bias",
        "layers.{}.attention.qkv.bias",
    ),
    (
        "self_attn_layers.{}.self_attn.out_proj.{}",
        "layers.{}.attention.output.{}",
    ),
    (
        "self_attn_layers.{}.norm2.{}",
        "layers.{}.feed_forward_norm.{}",
    ),
    ("self_attn_layers.{}.linear1.{}", "layers.{}.expand.{}"),
    ("self_attn_layers.{}.linear2.{}", "layers.{}.contract.{}"),
    ("in_proj_weight", "qkv.weight"),
    ("in_proj_bias", "qkv.bias"),
    ("out_proj.{}", "output.{}"),
];

/// Components by a distinguishing parameter in the file: the parameter under our name, the
/// component, and options that the reference always sets. The first match is used.
pub(super) const FUSIONS: &[(&str, &str, &[&str])] = &[
    ("fusion.latents", "perceiver", &["attend-padding"]),
    ("fusion.tokens.0.weight", "cross-attention", &["single-key"]),
    ("fusion.gate.weight", "gmu", &[]),
    ("fusion.projection.weight", "concat", &[]),
];
/// Like `concat` in [`FUSIONS`], which has a matrix of the same name, but for the categories alone.
pub(super) const FUSION_OF_CATEGORIES: &str = "add";
/// Like [`FUSIONS`]; the default is `linear`.
pub(super) const HEADS: &[(&str, &str)] = &[
    ("head.skip.weight", "residual"),
    ("head.hidden.0.weight", "mlp"),
    ("head.output.weight", "linear"),
];

/// Translates all names of a file; unknown names are omitted. `conditional` lists the columns of
/// the conditional output scaling in order; by default, they are sorted by name.
pub(super) fn translate(names: &[String], conditional: &[String]) -> BTreeMap<String, String> {
    let standard: Vec<(String, String)> = names
        .iter()
        .map(|name| (with_base(strip_wrappers(name), names), name.clone()))
        .collect();
    let categories = segments_after("categorical_embedder.embeddings", &standard);
    let scaled: Vec<String> = match conditional {
        [] => segments_after("output_scales", &standard),
        given => given.to_vec(),
    };
    let position = |list: &[String], name: &str| list.iter().position(|n| n == name);
    let mut result = BTreeMap::new();
    for (standard, name) in &standard {
        let parts: Vec<&str> = standard.split('.').collect();
        let ours = match parts.as_slice() {
            ["categorical_embedder", "embeddings", column, "weight"] => {
                position(&categories, column).map(|i| format!("categories.tables.{i}.weight"))
            }
            ["output_scales", column, "weight"] => {
                position(&scaled, column).map(|i| format!("output.conditional.{i}.scale"))
            }
            ["output_biases", column, "weight"] => {
                position(&scaled, column).map(|i| format!("output.conditional.{i}.bias"))
            }
            _ => translate_one(standard),
        };
        if let Some(ours) = ours {
            result.insert(ours, name.clone());
        }
    }
    number_sequences(result)
}

/// Names of the categorical columns in the order of their tables.
pub(super) fn category_names(names: &[String]) -> Vec<String> {
    let standard: Vec<(String, String)> = names
        .iter()
        .map(|name| (strip_wrappers(name).to_owned(), String::new()))
        .collect();
    segments_after("categorical_embedder.embeddings", &standard)
}

fn strip_wrappers(name: &str) -> &str {
    let name = name.strip_prefix("_orig_mod.").unwrap_or(name);
    let name = name.strip_prefix("module.").unwrap_or(name);
    name.strip_prefix("_orig_mod.").unwrap_or(name)
}

/// A file of a pre-trained encoder has the base's names without their prefix.
fn with_base(name: &str, all: &[String]) -> String {
    let whole = all
        .iter()
        .any(|name| strip_wrappers(name).starts_with("base_model."));
    match whole {
        true => name.to_owned(),
        false => format!("base_model.{name}"),
    }
}

fn segments_after(prefix: &str, names: &[(String, String)]) -> Vec<String> {
    let found: BTreeSet<&str> = names
        .iter()
        .filter_map(|(name, _)| {
            name.strip_prefix(prefix)?
                .strip_prefix('.')?
                .split('.')
                .next()
        })
        .collect();
    found.into_iter().map(str::to_owned).collect()
}

fn translate_one(name: &str) -> Option<String> {
    PARTS.iter().find_map(
        |(theirs, ours)| match name.strip_prefix(theirs)?.strip_prefix('.') {
            Some(rest) => {
                let inner = INNER.iter().find_map(|(from, to)| rename(rest, from, to));
                Some(format!("{ours}.{}", inner.as_deref().unwrap_or(rest)))
            }
            None => (name == *theirs).then(|| (*ours).to_owned()),
        },
    )
}

/// Replaces the segments of `from` in `name` by those of `to`, if `name` matches `from`.
fn rename(name: &str, from: &str, to: &str) -> Option<String> {
    let (parts, pattern): (Vec<&str>, Vec<&str>) =
        (name.split('.').collect(), from.split('.').collect());
    if parts.len() != pattern.len() {
        return None;
    }
    let mut open = Vec::new();
    for (part, expected) in parts.into_iter().zip(pattern) {
        if expected == "{}" {
            open.push(part);
        } else if expected != part {
            return None;
        }
    }
    let mut open = open.into_iter();
    let renamed = to.split('.').map(|segment| match segment {
        "{}" => open.next(),
        other => Some(other),
    });
    Some(renamed.collect::<Option<Vec<_>>>()?.join("."))
}

/// The reference numbers the layers of a head together with activations and dropouts; here the last
/// one is `output` and those before it are `hidden.0`, `hidden.1`, …
fn number_sequences(names: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let index = |name: &str| -> Option<(&'static str, usize, String)> {
        ["head.mlp.", "head."].into_iter().find_map(|prefix| {
            let (number, rest) = name.strip_prefix(prefix)?.split_once('.')?;
            Some((prefix, number.parse().ok()?, rest.to_owned()))
        })
    };
    let numbers: BTreeSet<usize> = names
        .keys()
        .filter_map(|name| index(name).map(|(_, number, _)| number))
        .collect();
    let numbers: Vec<usize> = numbers.into_iter().collect();
    names
        .into_iter()
        .map(|(ours, theirs)| {
            let renamed = match index(&ours) {
                Some((prefix, number, rest)) => match numbers.iter().position(|&n| n == number) {
                    Some(i) if i + 1 < numbers.len() => format!("{prefix}hidden.{i}.{rest}"),
                    _ => format!("{prefix}output.{rest}"),
                },
                None if ours == "head.weight" || ours == "head.bias" => {
                    ours.replacen("head.", "head.output.", 1)
                }
                None => ours,
            };
            (renamed, theirs)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(names: &[&str], conditional: &[&str]) -> BTreeMap<String, String> {
        let owned = |list: &[&str]| list.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
        let translated = translate(&owned(names), &owned(conditional));
        translated.into_iter().map(|(a, b)| (b, a)).collect()
    }

    #[test]
    fn layers_and_wrappers() {
        let name = "_orig_mod.module.sample_encoder.asv_encoder.transformer.encoder.layers.3.self_attn.in_proj_weight";
        let translated = ours(&[name, "encoder_transformer.norm.weight"], &[]);
        assert_eq!(
            translated[name],
            "base.asv_encoder.transformer.layers.3.qkv.weight"
        );
        assert_eq!(
            translated["encoder_transformer.norm.weight"],
            "base.samples.attention.encoder.norm.weight"
        );
    }

    #[test]
    fn heads_are_numbered_through() {
        let translated = ours(
            &[
                "base_model.x",
                "target_head.0.weight",
                "target_head.3.weight",
                "target_head.6.bias",
            ],
            &[],
        );
        assert_eq!(translated["target_head.0.weight"], "head.hidden.0.weight");
        assert_eq!(translated["target_head.3.weight"], "head.hidden.1.weight");
        assert_eq!(translated["target_head.6.bias"], "head.output.bias");
        assert_eq!(
            ours(&["base_model.x", "target_head.weight"], &[])["target_head.weight"],
            "head.output.weight"
        );
    }

    #[test]
    fn columns_by_name_or_by_the_given_order() {
        let names = [
            "base_model.x",
            "categorical_embedder.embeddings.season.weight",
            "categorical_embedder.embeddings.location.weight",
            "output_scales.season.weight",
            "output_biases.location.weight",
            "output_scales.location.weight",
        ];
        let translated = ours(&names, &[]);
        assert_eq!(translated[names[1]], "categories.tables.1.weight");
        assert_eq!(translated[names[3]], "output.conditional.1.scale");
        let translated = ours(&names, &["season", "location"]);
        assert_eq!(translated[names[3]], "output.conditional.0.scale");
        assert_eq!(translated[names[4]], "output.conditional.1.bias");
    }

    #[test]
    fn unknown_names_are_left_out() {
        assert!(ours(&["base_model.x", "something.else"], &[]).is_empty());
    }
}
