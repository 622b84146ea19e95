#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (aam_tests::fuzz::target("taxonomy").run)(bytes);
});
