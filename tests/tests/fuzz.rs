//! Every parser on inputs derived from valid ones: none panics, and none takes long.
//!
//! Each gets as many inputs as fit its time limit, a few seconds in total.
//! `AAM_FUZZ_EXECUTIONS=1000000` sets the number of inputs, and `AAM_FUZZ_SEED` the seed. `fuzz/`
//! runs the same parsers under libFuzzer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use aam_tests::fuzz::{Mutator, TARGETS, Target, target};

/// Time limit of a parser if no number of inputs is given.
const TIME: Duration = Duration::from_secs(2);
/// Time limit of an input, on a machine that may be busy.
const SLOW: Duration = Duration::from_secs(10);

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is not a number")),
    )
}

/// Runs the parser on one input, and keeps the input if it fails.
fn run(target: &Target, input: &[u8]) -> bool {
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let took = begun.elapsed();
    match outcome {
        Ok(sound) if took < SLOW => sound,
        outcome => {
            let kept = std::env::temp_dir().join(format!("aam-fuzz-{}", target.name));
            std::fs::write(&kept, input).expect("a file");
            let what = if outcome.is_ok() {
                "took long"
            } else {
                "panicked"
            };
            panic!("{} {what} ({took:?}): {}", target.name, kept.display())
        }
    }
}

fn fuzz(name: &str) {
    let target = target(name);
    let seeds = (target.seeds)();
    for (place, seed) in seeds.iter().enumerate() {
        assert!(run(target, seed), "seed {place} of {name} is not sound");
    }
    let executions = number("AAM_FUZZ_EXECUTIONS");
    let mut mutator = Mutator::new(seeds, number("AAM_FUZZ_SEED").unwrap_or(1));
    let begun = Instant::now();
    let (mut done, mut sound, mut slowest) = (0, 0_u64, Duration::ZERO);
    while executions.map_or(begun.elapsed() < TIME, |all| done < all) {
        let input = mutator.next_input();
        let before = Instant::now();
        sound += u64::from(run(target, &input));
        slowest = slowest.max(before.elapsed());
        done += 1;
    }
    println!("{name}: {done} inputs, {sound} of them sound, the slowest {slowest:?}");
    assert!(done > 20, "{name}: {done} inputs");
    assert!(sound < done, "{name}: whatever it gets is sound");
}

macro_rules! parsers {
    ($($name:ident)*) => {
        $(#[test] fn $name() { fuzz(stringify!($name)); })*

        #[test]
        fn every_parser_has_its_test() {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

parsers! {
    table metadata taxonomy distances sample_values sequences tree ids
    manifest weights familiarity learners reference
    configuration named_values predictions
}
