# aam for NVIDIA GPUs. The build fetches LLVM libraries from GitHub; the CUDA toolkit is not needed.
#
#     docker build --file deploy/docker/cuda.Dockerfile --tag aam:cuda .
#     docker run --rm --gpus all --volume "$PWD:/data" aam:cuda doctor
FROM rust:1.95-bookworm AS build
# HDF5 is built with cmake.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends cmake \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /aam
COPY . .
RUN cargo build --release --locked --package aam-cli --features cuda \
    && strip --output-file /usr/local/bin/aam target/release/aam

# The driver and its libcuda.so.1 come from the host, through NVIDIA's container toolkit.
FROM debian:bookworm-slim
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libstdc++6 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/aam /usr/local/bin/aam
# There is no GPU during the build; this checks that the program starts without one.
RUN aam doctor --device cpu
WORKDIR /data
ENTRYPOINT ["aam"]
