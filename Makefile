# Shortcuts for plain cargo commands.
#
# Each first installs what cargo cannot provide (see scripts/system-packages.sh). All build the same
# packages in the same profile, so that nothing is compiled twice.

.PHONY: help demo test build lint bench system

help:
	@echo 'make demo    simulate a study, pre-train, train, predict and compare with the truth'
	@echo 'make test    run all tests'
	@echo 'make build   build the program, target/release/aam'
	@echo 'make lint    check formatting and run clippy'
	@echo 'make bench   time components, files, the encoder and UniFrac'

demo: system
	cargo run --release -- demo --overwrite

test: system
	cargo test --release

build: system
	cargo build --release

lint: system
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- --deny warnings

bench: system
	cargo bench -p aam-benches

system:
	@scripts/system-packages.sh
