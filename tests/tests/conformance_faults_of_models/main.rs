//! The conformance suite detects faults: encoders, count embeddings, fusions and objectives with one
//! fault at a time.

mod asv_encoders;
mod count_embeddings;
mod fusions;
mod objectives;
mod sample_encoders;

use std::panic::{UnwindSafe, catch_unwind};

/// The verdict of the suite on a component, or that it conforms.
fn verdict(check: impl FnOnce() + UnwindSafe) -> String {
    match catch_unwind(check) {
        Ok(()) => "conforms".to_owned(),
        Err(panic) => *panic.downcast::<String>().expect("a message"),
    }
}

/// Checks the verdict of the suite on each fault.
fn check<F: Copy + std::fmt::Debug>(says: impl Fn(F) -> String, expected: &[(F, &str)]) {
    for &(fault, expected) in expected {
        let verdict = says(fault);
        assert!(verdict.contains(expected), "{fault:?}: {verdict}");
    }
}
