//! Truncated, modified or incomplete checkpoints: each ends in an error that names the file.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aam_plugins as _;
use aam_runtime::options::{GivenTableOptions, PredictOptions};
use aam_runtime::predict::predict;
use aam_runtime::run::RunError;
use aam_runtime::run::events::{Event, Observer};
use aam_runtime::train::checkpoint::sealed;
use aam_tests::{Aam, aam};
use serde_json::{Value, json};

const STUDY: &str = "simulate --samples 16 --asvs 30 --sequence-length 30 --richness 10 \
                     --depth 300 --output-dir study";
const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv \
                     --metadata-column ph --max-bp 30 --embedding-dim 16 --asv-encoder transformer --epochs 1 --output-dir \
                     run";
const FILES: [&str; 3] = [
    "manifest.json",
    "model.safetensors",
    "familiarity.safetensors",
];

/// A trained model whose files are to be damaged.
struct Model {
    aam: Aam,
    files: BTreeMap<&'static str, Vec<u8>>,
}

impl Model {
    fn new() -> Self {
        let aam = aam!();
        aam.ok(STUDY);
        aam.ok(TRAIN);
        let read = |name| {
            let path = aam.path("run/checkpoints/best").join(name);
            (name, std::fs::read(path).expect("a file of the checkpoint"))
        };
        let files = FILES.map(read).into();
        std::fs::create_dir(aam.path("copy")).expect("a folder");
        Self { aam, files }
    }

    /// A copy of the checkpoint with one file changed.
    fn copy(&self, changed: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let copy = self.aam.path("copy");
        let mut files = self.files.clone();
        change(files.get_mut(changed).expect("a file of the checkpoint"));
        for (name, bytes) in files {
            std::fs::write(copy.join(name), bytes).expect("a file");
        }
        copy
    }

    /// A copy with its manifest changed as JSON and a matching digest.
    fn with_manifest(&self, change: impl FnOnce(&mut Value)) {
        self.copy("manifest.json", |bytes| {
            let mut manifest = serde_json::from_slice(bytes).expect("JSON");
            change(&mut manifest);
            *bytes = serde_json::to_vec(&sealed(manifest)).expect("JSON");
        });
    }

    /// Checks the program's error about the copy.
    fn refused(&self, words: &[&str]) {
        let predict = "predict --model copy --table study/table.biom --output p.tsv";
        let ran = self.aam.run(predict).ends_with_code(4).says(words);
        assert!(ran.stderr.len() < 1000, "{}", ran.stderr);
        assert!(!self.aam.path("p.tsv").exists());
    }
}

struct Silence;

impl Observer for Silence {
    fn observe(&mut self, _: &Event<'_>) -> Result<(), RunError> {
        Ok(())
    }
}

#[test]
fn truncated_and_missing_files() {
    let model = Model::new();
    for (name, said) in [
        ("manifest.json", "it is damaged"),
        ("model.safetensors", "SHA-256 mismatch"),
        ("familiarity.safetensors", "SHA-256 mismatch"),
    ] {
        let whole = model.files[name].len();
        for kept in [0, 1, whole / 2, whole - 1] {
            model.copy(name, |bytes| bytes.truncate(kept));
            model.refused(&[&format!("copy/{name}: "), said]);
        }
    }
    model.copy("model.safetensors", |bytes| bytes[1000] ^= 1);
    model.refused(&["copy/model.safetensors: ", "SHA-256 mismatch"]);
    for (name, said) in [
        ("model.safetensors", "model.safetensors: it cannot be read"),
        ("manifest.json", "copy: this is not a checkpoint of aam"),
    ] {
        model.copy(name, |_| {});
        std::fs::remove_file(model.aam.path("copy").join(name)).expect("a file");
        model.refused(&[said]);
    }
    let train = TRAIN.replace(" run", " other --pretrained-encoder copy");
    model.copy("model.safetensors", |bytes| bytes.truncate(1000));
    model
        .aam
        .run(&train)
        .ends_with_code(4)
        .says(&["SHA-256 mismatch"]);
    assert!(!model.aam.path("other").exists());
}

#[test]
fn manifests_that_do_not_fit() {
    let model = Model::new();
    model.with_manifest(|manifest| manifest["files"]["model.safetensors"] = json!("00"));
    model.refused(&["copy/model.safetensors: ", "SHA-256 mismatch"]);
    model.with_manifest(|manifest| manifest["files"] = json!({}));
    model.refused(&["copy/manifest.json: ", "does not list model.safetensors"]);
    model.with_manifest(|manifest| manifest["files"]["../study/tree.nwk"] = json!("00"));
    model.refused(&[
        "copy/manifest.json: ",
        "'../study/tree.nwk' is not the name of a file",
    ]);
    model.copy("manifest.json", |bytes| {
        let text = String::from_utf8_lossy(bytes).replace("zscore", "zscorf");
        *bytes = text.into_bytes();
    });
    model.refused(&[
        "copy/manifest.json: its contents differ from those that were written (SHA-256 mismatch)",
    ]);
    model.copy("manifest.json", |bytes| {
        let mut manifest: Value = serde_json::from_slice(bytes).expect("JSON");
        manifest.as_object_mut().expect("entries").remove("digest");
        *bytes = serde_json::to_vec(&manifest).expect("JSON");
    });
    model.refused(&["copy/manifest.json: it lacks its digest"]);
    model.with_manifest(|manifest| manifest["format"] = json!(99));
    model.refused(&[
        "copy/manifest.json: its format is 99",
        "aam version that wrote it",
    ]);
    model.with_manifest(|manifest| manifest["model"]["dim"] = json!(64));
    model.refused(&["copy/model.safetensors: the weights of ", "do not fit"]);
    for size in ["dim", "max-bp", "vocabulary"] {
        model.with_manifest(|manifest| manifest["model"][size] = json!(1u64 << 40));
        model.refused(&[
            "copy/manifest.json: it is damaged",
            "a larger model than the ",
        ]);
    }
    model.with_manifest(|manifest| manifest["model"]["heads"] = json!(5));
    model.refused(&["copy/manifest.json: it is damaged", "heads"]);
    model.with_manifest(|manifest| manifest["model"]["asv-layers"] = json!(u32::MAX));
    model.refused(&["copy/manifest.json: it is damaged", "4294967295 layers"]);
    model.with_manifest(|manifest| manifest["predictor"]["head"]["name"] = json!("lost"));
    model.refused(&["the head 'lost' comes from the crate aam-plugins"]);
}

/// A small random number generator, the same on every machine.
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as usize
}

/// Loads a copy and predicts; any fault must quickly end in an error.
fn survives(model: &Path, aam: &Aam, what: &str) -> bool {
    let options = PredictOptions {
        model: Some(model.to_owned()),
        given: GivenTableOptions {
            table: Some(aam.path("study/table.biom")),
            ..GivenTableOptions::default()
        },
        output: Some(aam.path("p.tsv")),
        device: "cpu".to_owned(),
        overwrite: true,
        ..PredictOptions::default()
    };
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| predict(&options, &mut Silence)));
    assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
    match outcome {
        Ok(outcome) => outcome.is_ok(),
        Err(_) => panic!("a panic: {what}"),
    }
}

/// Flips of single bits are rejected, or have no effect on numbers and names.
#[test]
fn a_bit_of_the_manifest_that_flips_is_noticed() {
    let model = Model::new();
    let predictions = || std::fs::read(model.aam.path("p.tsv")).expect("predictions");
    let sound = model.copy("manifest.json", |_| {});
    assert!(survives(&sound, &model.aam, "sound"));
    let expected = predictions();
    let size = model.files["manifest.json"].len();
    let mut state = 22;
    let mut harmless = 0;
    for _ in 0..1000 {
        let (at, bit) = (random(&mut state) % size, random(&mut state) % 8);
        let copy = model.copy("manifest.json", |bytes| bytes[at] ^= 1 << bit);
        let what = format!("bit {bit} of byte {at}");
        if survives(&copy, &model.aam, &what) {
            harmless += 1;
            assert!(predictions() == expected, "{what}");
        }
    }
    println!("{harmless} of 1000 flips changed nothing");
    assert!(harmless < 50, "{harmless} were accepted");
}

#[test]
fn values_that_are_not_finite_are_not_predicted() {
    let model = Model::new();
    for (value, said) in [
        (json!(1e300), "the prediction of 'ph' for the sample '"),
        (json!(null), "it is damaged"),
    ] {
        model.with_manifest(|manifest| {
            let target = &mut manifest["predictor"]["targets"][0]["values"]["numbers"];
            *scale_of(target) = value;
        });
        let predict = "predict --model copy --table study/table.biom --output p.tsv";
        let ran = model.aam.run(predict);
        assert_ne!(ran.code, Some(0), "{}", ran.stderr);
        ran.says(&[said]);
        assert!(!model.aam.path("p.tsv").exists());
    }
    let mut weights = model.files["model.safetensors"].clone();
    let last = weights.len() - 4;
    weights[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    model.with_manifest(|manifest| {
        manifest["files"]["model.safetensors"] = json!(digest(&weights));
    });
    std::fs::write(model.aam.path("copy/model.safetensors"), weights).expect("a file");
    model.refused(&[
        "copy/model.safetensors: the weights '",
        "a non-finite value",
    ]);
}

/// The first number of a fitted transform that is not an integer.
fn scale_of(value: &mut Value) -> &mut Value {
    fn find(value: &mut Value) -> Option<&mut Value> {
        match value {
            Value::Number(number) if number.is_f64() => Some(value),
            Value::Object(entries) => entries.values_mut().find_map(find),
            Value::Array(items) => items.iter_mut().find_map(find),
            _ => None,
        }
    }
    find(value).expect("a number")
}

fn digest(bytes: &[u8]) -> String {
    use sha2::Digest;
    let hash = sha2::Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// With a matching digest, so that the reader of the manifest must find the fault.
#[test]
fn manifests_with_bytes_changed_at_random() {
    let model = Model::new();
    let mut state = 20;
    let mut loaded = 0;
    for number in 0..400 {
        let copy = model.copy("manifest.json", |bytes| {
            for _ in 0..=random(&mut state) % 3 {
                let at = random(&mut state) % bytes.len();
                // Replacing a digit by a digit keeps the JSON valid, which tests later stages.
                bytes[at] = match bytes[at] {
                    b'0'..=b'9' => b'0' + (random(&mut state) % 10) as u8,
                    _ => random(&mut state) as u8,
                };
            }
            if let Ok(manifest) = serde_json::from_slice(bytes) {
                *bytes = serde_json::to_vec(&sealed(manifest)).expect("JSON");
            }
        });
        let text = String::from_utf8_lossy(&std::fs::read(copy.join("manifest.json")).expect("it"))
            .into_owned();
        loaded += usize::from(survives(&copy, &model.aam, &format!("{number}: {text}")));
    }
    println!("{loaded} of 400 damaged manifests loaded");
    assert!(loaded < 200, "{loaded} loaded");
}

#[test]
fn files_whose_header_is_changed_at_random() {
    let model = Model::new();
    let mut state = 21;
    for (number, name) in (0..300).zip(FILES[1..].iter().cycle()) {
        let mut bytes = model.files[name].clone();
        for _ in 0..=random(&mut state) % 3 {
            let at = random(&mut state) % bytes.len().min(2000);
            bytes[at] = random(&mut state) as u8;
        }
        // With a matching digest, so that the reader of the file must find the fault.
        model.with_manifest(|manifest| manifest["files"][name] = json!(digest(&bytes)));
        let copy = model.aam.path("copy");
        std::fs::write(copy.join(name), &bytes).expect("a file");
        survives(&copy, &model.aam, &format!("{name} {number}"));
    }
}
