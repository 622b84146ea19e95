//! Checks whether a device computes correctly in the requested precision.

use burn::tensor::{Device, Tensor};

use super::attention::{Attention, Way, compare, shown};
use aam_model::attention::{fused_in, is_plain, plain_in};
use aam_model::device::caught;
use aam_model::{AttnImplementation, MixedPrecision, use_plain_attention};
use aam_run::RunError;
use aam_run::events::{Event, Observer};

/// The maximum relative difference from double precision of attention with 8 significant bits,
/// for which 2 % is typical; a wrong kernel is off by the magnitude of the values themselves.
const TOLERANCE: f64 = 6e-2;
const SHAPES: &[[usize; 4]] = &[[3, 2, 37, 16]];

/// Decides whether a run on `device`, called `name`, can use `precision` for products, once its
/// attention has been decided: a GPU must support the number format and compute attention in it
/// correctly.
///
/// # Errors
/// The device does not support the format, or computes wrong results.
pub fn settle_precision(
    name: &str,
    device: &Device,
    precision: MixedPrecision,
    wanted: AttnImplementation,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    let Some(numbers) = precision.dtype() else {
        return Ok(());
    };
    let flag = format!("--mixed-precision {}", precision.name());
    if *device == Device::flex() {
        return observer.observe(&Event::Warning(&format!(
            "{flag} has no benefit on a CPU, which computes these products in single precision and is several times slower with them; use it on GPUs"
        )));
    }
    if caught(|| device.supports_dtype(numbers)) != Ok(true) {
        let problem = unsupported(name, device, precision);
        return Err(RunError::value(
            "mixed-precision",
            precision.name(),
            problem,
        ));
    }
    if let Err(problem) = right_in(precision, Way::Plain, device) {
        return Err(RunError::Wrong(format!(
            "{flag}: --device {name} computes wrong results with it: {problem}\n  help: leave the flag out; another version of the driver may be correct"
        )));
    }
    if is_plain() {
        return Ok(());
    }
    match (right_in(precision, Way::Fused, device), wanted) {
        (Ok(()), _) => Ok(()),
        (Err(problem), AttnImplementation::Flash) => Err(RunError::Wrong(format!(
            "--attn-implementation flash {flag}: {problem}\n  help: --attn-implementation auto uses the plain attention instead"
        ))),
        (Err(problem), _) => {
            use_plain_attention(true);
            observer.observe(&Event::Warning(&format!(
                "{flag}: {problem}; this run uses the plain attention instead, as with --attn-implementation math"
            )))
        }
    }
}

/// The message for a device that does not support `precision`.
fn unsupported(name: &str, device: &Device, precision: MixedPrecision) -> String {
    let others = [MixedPrecision::Bf16, MixedPrecision::Fp16].into_iter();
    let other = others
        .filter(|other| *other != precision)
        .find(|other| {
            let numbers = other.dtype();
            numbers.is_some_and(|numbers| caught(|| device.supports_dtype(numbers)) == Ok(true))
        })
        .map_or_else(
            || "leave the flag out".to_owned(),
            |other| format!("it supports {}; or leave the flag out", other.name()),
        );
    format!("--device {name} does not support this number format\n  help: {other}")
}

/// Compares an implementation of attention in `precision` with double precision.
///
/// # Errors
/// A description of the difference.
fn right_in(precision: MixedPrecision, way: Way, device: &Device) -> Result<(), String> {
    let plain = |query, key, value, bias: Option<&Tensor<4>>| {
        plain_in(precision, query, key, value, bias, |weights| weights)
    };
    let fused =
        |query, key, value, bias: Option<&Tensor<4>>| fused_in(precision, query, key, value, bias);
    let (name, attention): (_, &Attention<'_>) = match way {
        Way::Plain => ("plain", &plain),
        Way::Fused => ("fused", &fused),
    };
    judged(way, name, attention, device)
}

fn judged(way: Way, name: &str, attention: &Attention<'_>, device: &Device) -> Result<(), String> {
    for masked in [false, true] {
        let found = compare(way, attention, masked, device, SHAPES);
        // During inference, the fused kernel has no backward pass.
        let sides = match way {
            Way::Plain => vec![found.forward, found.backward],
            Way::Fused => vec![found.forward],
        };
        let within = |side: &Option<f64>| side.is_some_and(|side| side <= TOLERANCE);
        if !sides.iter().all(within) {
            let mask = if masked { "masked" } else { "unmasked" };
            let how = found.problem.unwrap_or_else(|| {
                let sides: Vec<String> = sides.into_iter().map(shown).collect();
                format!(
                    "off by {}, where {TOLERANCE} is allowed",
                    sides.join(" and ")
                )
            });
            return Err(format!("the {name} attention is wrong {mask}: {how}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: [MixedPrecision; 2] = [MixedPrecision::Bf16, MixedPrecision::Fp16];

    #[test]
    fn attention_in_half_precision_is_correct_and_differs_from_32_bits() {
        let device = Device::flex();
        for precision in MIXED {
            right_in(precision, Way::Plain, &device).unwrap();
            right_in(precision, Way::Fused, &device).unwrap();
            let off = |precision| {
                let plain = |query, key, value, bias: Option<&Tensor<4>>| {
                    plain_in(precision, query, key, value, bias, |weights| weights)
                };
                let found = compare(Way::Plain, &plain, true, &device, SHAPES);
                (found.forward.unwrap(), found.backward.unwrap())
            };
            let (forward, backward) = off(precision);
            println!("{precision:?}: {forward:.1e} {backward:.1e}");
            assert!(forward < TOLERANCE / 2.0 && backward < TOLERANCE / 2.0);
            assert!(forward > 1e-4 && backward > 1e-4);
            let (forward, backward) = off(MixedPrecision::None);
            assert!(forward < 1e-5 && backward < 1e-5);
        }
    }

    #[test]
    fn wrong_attention_is_reported() {
        let device = Device::flex();
        let unmasked: &Attention<'_> = &|query, key, value, _| {
            plain_in(MixedPrecision::Bf16, query, key, value, None, |weights| {
                weights
            })
        };
        let problem = judged(Way::Plain, "plain", unmasked, &device).unwrap_err();
        assert!(
            problem.contains("the plain attention is wrong masked"),
            "{problem}"
        );
        let failing: &Attention<'_> = &|_, _, _, _| panic!("no such kernel");
        let problem = judged(Way::Fused, "fused", failing, &device).unwrap_err();
        assert!(problem.ends_with("unmasked: no such kernel"), "{problem}");
    }

    #[test]
    fn a_cpu_gets_a_warning() {
        let settled = |precision| {
            let mut warnings = Vec::new();
            let mut listener = |event: &Event<'_>| {
                if let Event::Warning(text) = event {
                    warnings.push((*text).to_owned());
                }
            };
            let auto = AttnImplementation::Auto;
            settle_precision("cpu", &Device::flex(), precision, auto, &mut listener).unwrap();
            warnings
        };
        assert!(settled(MixedPrecision::None).is_empty());
        for precision in MIXED {
            let [warning] = &settled(precision)[..] else {
                panic!("one warning");
            };
            assert!(
                warning.starts_with(&format!("--mixed-precision {}", precision.name())),
                "{warning}"
            );
        }
    }

    #[test]
    fn unsupported_formats_are_refused_with_the_supported_ones() {
        let text = unsupported("vulkan:1", &Device::flex(), MixedPrecision::Bf16);
        assert!(text.contains("--device vulkan:1"));
        assert!(text.contains("it supports fp16"), "{text}");
    }
}
