//! The digest that a manifest contains of itself, and thereby of all files of the checkpoint.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The key of the digest.
pub const DIGEST: &str = "digest";
/// The first format whose manifests have one.
const FIRST_WITH_DIGEST: u64 = 3;

/// Adds a digest of all other entries to `manifest`.
pub fn sealed(manifest: Value) -> Value {
    let digest = digest(&manifest);
    match manifest {
        Value::Object(mut entries) => {
            entries.insert(DIGEST.to_owned(), Value::from(digest));
            Value::Object(entries)
        }
        other => other,
    }
}

/// The problem with the digest of `manifest`, which has the given format, if any.
pub fn broken(manifest: &Value, format: u64) -> Option<&'static str> {
    match manifest.get(DIGEST) {
        Some(known) if known.as_str() == Some(&digest(manifest)) => None,
        Some(_) => Some(
            "its contents differ from those that were written (SHA-256 mismatch): it was modified or is damaged; use another checkpoint or copy it again",
        ),
        None if format < FIRST_WITH_DIGEST => None,
        None => Some("it lacks its digest: it was modified or is damaged"),
    }
}

/// SHA-256 of all entries except the digest, as compact JSON.
fn digest(manifest: &Value) -> String {
    let mut manifest = manifest.clone();
    if let Some(entries) = manifest.as_object_mut() {
        entries.shift_remove(DIGEST);
    }
    hexadecimal(&Sha256::digest(manifest.to_string().as_bytes()))
}

/// Formats a hash in hexadecimal.
pub fn hexadecimal(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn any_change_is_noticed() {
        let manifest = sealed(json!({ "format": 3, "scale": 0.1, "names": ["a", "b"] }));
        assert_eq!(broken(&manifest, 3), None);
        assert_eq!(sealed(manifest.clone()), manifest);
        for (entry, value) in [
            ("scale", json!(0.2)),
            ("names", json!(["a", "c"])),
            ("more", json!(1)),
            ("digest", json!("00")),
            ("digest", Value::Null),
        ] {
            let mut other = manifest.clone();
            other[entry] = value;
            assert!(broken(&other, 3).is_some(), "{other}");
            assert!(broken(&other, 2).is_some(), "{other}");
        }
        let older = json!({ "format": 2 });
        assert_eq!(broken(&older, 2), None);
        assert!(broken(&older, 3).is_some());
    }
}
