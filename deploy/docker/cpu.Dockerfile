# The CPU build of aam.
#
#     docker build --file deploy/docker/cpu.Dockerfile --tag aam .
#     docker run --rm --volume "$PWD:/data" aam train --table table.biom …
FROM rust:1.95-bookworm AS build
# HDF5 is built with cmake.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends cmake \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /aam
COPY . .
RUN cargo build --release --locked --package aam-cli \
    && strip --output-file /usr/local/bin/aam target/release/aam

FROM debian:bookworm-slim
COPY --from=build /usr/local/bin/aam /usr/local/bin/aam
RUN aam doctor --device cpu
WORKDIR /data
ENTRYPOINT ["aam"]
