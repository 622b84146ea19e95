# aam for AMD GPUs. The build fetches LLVM libraries from GitHub.
#
#     docker build --file deploy/docker/rocm.Dockerfile --tag aam:rocm .
#     docker run --rm --device /dev/kfd --device /dev/dri --group-add video --group-add render \
#         --volume "$PWD:/data" aam:rocm doctor
#
# ROCM is a tag of rocm/dev-ubuntu-24.04 (7.2.1 or another listed in docs/rocm.md). The program is built
# in the same image, because the HIP declarations are chosen by the version found there.
ARG ROCM=7.2.1
FROM rocm/dev-ubuntu-24.04:${ROCM} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential ca-certificates cmake curl \
    && rm -rf /var/lib/apt/lists/*
RUN curl --proto '=https' --tlsv1.2 --fail --silent --show-error https://sh.rustup.rs \
    | sh -s -- -y --profile minimal --default-toolchain 1.95.0
ENV PATH=/root/.cargo/bin:/opt/rocm/bin:$PATH \
    ROCM_PATH=/opt/rocm
WORKDIR /aam
COPY . .
RUN cargo build --release --locked --package aam-cli --features rocm \
    && strip --output-file /usr/local/bin/aam target/release/aam

FROM rocm/dev-ubuntu-24.04:${ROCM}
ENV ROCM_PATH=/opt/rocm
COPY --from=build /usr/local/bin/aam /usr/local/bin/aam
# There is no GPU during the build; this checks that the program starts without one.
RUN aam doctor --device cpu
WORKDIR /data
ENTRYPOINT ["aam"]
