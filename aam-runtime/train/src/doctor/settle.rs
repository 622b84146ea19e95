//! The choice of the attention implementation on a GPU.

use std::sync::{Mutex, PoisonError};

use burn::tensor::Device;

use super::attention::{Checked, Way};
use aam_model::device::automatic;
use aam_model::{AttnImplementation, use_plain_attention};
use aam_run::RunError;
use aam_run::events::{Event, Observer};

/// Decides which attention a run on `device`, called `name`, uses. A GPU must pass the quick check
/// first, once per process.
///
/// # Errors
/// No attention of the device is correct, or the requested one is not.
pub fn settle(
    name: &str,
    device: &Device,
    wanted: AttnImplementation,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    if *device == Device::flex() {
        // The transformers of a CPU have their own fused implementation.
        if name == "auto" {
            for problem in &automatic().passed_over {
                observer.observe(&Event::Warning(&format!(
                    "a GPU was found but does not compute, so the CPU is used: {problem}"
                )))?;
            }
        }
        return Ok(());
    }
    let checked = checked(device);
    let (plain, warning) = decide(name, &checked, wanted)?;
    use_plain_attention(plain);
    match warning {
        Some(warning) => observer.observe(&Event::Warning(&warning)),
        None => Ok(()),
    }
}

/// Whether to use the plain attention, and a warning.
fn decide(
    name: &str,
    checked: &Checked,
    wanted: AttnImplementation,
) -> Result<(bool, Option<String>), RunError> {
    let problems = || checked.problems().collect::<Vec<_>>().join("; ");
    if !checked.is_right(Way::Plain) {
        return Err(RunError::Wrong(format!(
            "--device {name} computes wrong results, so training would fail: {}\n  help: \
             `aam doctor --device {name}` shows the differences; another version of the driver \
             may be correct, and --device cpu is",
            problems()
        )));
    }
    match (wanted, checked.is_right(Way::Fused)) {
        (AttnImplementation::Math, _) => Ok((true, None)),
        (_, true) => Ok((false, None)),
        (AttnImplementation::Auto, false) => {
            let warning = format!(
                "{}; this run uses the plain attention instead, as with --attn-implementation math",
                problems()
            );
            Ok((true, Some(warning)))
        }
        (AttnImplementation::Flash, false) => Err(RunError::Wrong(format!(
            "--attn-implementation flash: {}\n  help: --attn-implementation auto uses the plain \
             attention instead",
            problems()
        ))),
    }
}

fn checked(device: &Device) -> Checked {
    static DONE: Mutex<Vec<(Device, Checked)>> = Mutex::new(Vec::new());
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, checked)) = done.iter().find(|(known, _)| known == device) {
        return checked.clone();
    }
    let checked = Checked::quickly(device);
    done.push((device.clone(), checked.clone()));
    checked
}

#[cfg(test)]
mod tests {
    use super::super::attention::Difference;
    use super::*;

    fn found(attention: Way, masked: bool, forward: f64) -> Difference {
        Difference {
            attention,
            masked,
            forward: Some(forward),
            backward: Some(1e-6),
            problem: None,
        }
    }

    #[test]
    fn a_wrong_kernel_is_avoided_or_refused() {
        use AttnImplementation::{Auto, Flash, Math};
        let right = Checked(vec![
            found(Way::Fused, false, 1e-6),
            found(Way::Fused, true, 1e-6),
            found(Way::Plain, false, 1e-6),
            found(Way::Plain, true, 1e-6),
        ]);
        let mut masked = right.clone();
        masked.0[1] = found(Way::Fused, true, 0.7);
        let mut all = masked.clone();
        all.0[2] = found(Way::Plain, false, 0.3);

        for (wanted, plain) in [(Auto, false), (Flash, false), (Math, true)] {
            assert_eq!(decide("cuda", &right, wanted).unwrap(), (plain, None));
        }
        let (plain, warning) = decide("cuda", &masked, Auto).unwrap();
        assert!(plain);
        let warning = warning.unwrap();
        assert!(
            warning.contains("fused attention is wrong masked"),
            "{warning}"
        );
        assert!(warning.contains("7.0e-1"), "{warning}");
        assert_eq!(decide("cuda", &masked, Math).unwrap(), (true, None));
        let error = decide("cuda", &masked, Flash).unwrap_err().to_string();
        assert!(error.contains("wrong masked"), "{error}");
        for wanted in [Auto, Flash, Math] {
            let error = decide("cuda:1", &all, wanted).unwrap_err().to_string();
            assert!(error.contains("--device cuda:1 computes wrong"), "{error}");
        }
    }
}
