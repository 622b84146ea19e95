//! Upgrades of manifests of older formats.

use serde_json::Value;

/// The first format in which a predictor with abundance pooling sees the composition of a sample.
const OF_COMPOSITIONS: u64 = 3;

/// Converts `manifest` to the current format.
///
/// # Errors
/// A predictor whose weights fit no model of this program.
pub(super) fn upgraded(mut manifest: Value) -> Result<Value, String> {
    let format = manifest.get("format").and_then(Value::as_u64);
    if format.is_some_and(|format| format >= OF_COMPOSITIONS) {
        return Ok(manifest);
    }
    let is_predictor = manifest
        .get("predictor")
        .is_some_and(|parts| !parts.is_null());
    let Some(model) = manifest.get_mut("model").and_then(Value::as_object_mut) else {
        return Ok(manifest);
    };
    if is_predictor && model.get("pooling") == Some(&Value::from("abundance")) {
        return Err(
            "it was trained by an earlier version with a different model input; train it again, or use the aam version that wrote it"
                .to_owned(),
        );
    }
    model.remove("sample-dropout");
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_predictor_over_abundance_pooling_is_refused_by_its_format() {
        let manifest = |format: u64, pooling: &str, predictor: Value| {
            json!({
                "format": format,
                "model": { "pooling": pooling, "sample-dropout": 0.1 },
                "predictor": predictor,
            })
        };
        let told = upgraded(manifest(2, "abundance", json!({})));
        assert!(
            told.expect_err("its weights fit nothing")
                .contains("train it again")
        );
        let kept = manifest(3, "abundance", json!({}));
        assert_eq!(upgraded(kept.clone()).expect("the current format"), kept);
        for older in [
            manifest(2, "abundance", Value::Null),
            manifest(1, "attention", json!({})),
        ] {
            let upgraded = upgraded(older).expect("weights that fit");
            assert_eq!(upgraded["model"].get("sample-dropout"), None);
        }
    }
}
