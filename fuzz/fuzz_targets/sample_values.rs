#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (aam_tests::fuzz::target("sample_values").run)(bytes);
});
