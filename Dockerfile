# syntax=docker/dockerfile:1
#
# docker build -t strongroom .                                      compiles here (needs the rust image)
# docker build -t strongroom --target prebuilt .                    takes dist/strongroom, compiled elsewhere
#
# Run it as it is meant to run:
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges -p 50051:50051 strongroom

# Distroless `cc`: glibc, libgcc and CA certificates (rustls reads the system's roots), and no shell, package manager
# or tzdata that we would need (zones are compiled in). Debian 12 because the build stage is Debian 12: a binary linked
# on a newer glibc would not start here.
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot
ARG BUILD_IMAGE=rust:1.95.0-bookworm

# What both images share; the binary is the last layer, so that everything above it is cached.
FROM ${RUNTIME_IMAGE} AS runtime
ARG VERSION=0.0.0-dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="strongroom" \
      org.opencontainers.image.description="A gRPC control plane for AWS Backup" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/strongroom/strongroom" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# By number, so that Kubernetes can verify runAsNonRoot. 65532 is distroless's `nonroot`.
USER 65532:65532
EXPOSE 50051
# The allocator gives back at once what is freed: after a flood an idle server would else keep the peak of it.
ENV MIMALLOC_PURGE_DELAY=0
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/strongroom"]
# The program's default is the loopback address, which nobody outside the container reaches. As an argument and not as
# a variable, so that a configuration file can still say otherwise once the arguments are replaced.
CMD ["serve", "--listen", "0.0.0.0:50051"]

# Before the build stage, so that builders that don't skip unused stages never pull the rust image for it.
FROM runtime AS prebuilt
COPY --chmod=0555 dist/strongroom /usr/local/bin/strongroom

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock build.rs ./
COPY proto proto
COPY sandbox sandbox
COPY src src
# The registry and the target folder live in cache mounts: a change of one line compiles one crate. The sandbox is
# left out: a production image must not be able to pretend to be AWS.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --no-default-features --bin strongroom \
 && install -D -m 0555 target/release/strongroom /out/strongroom

FROM runtime AS final
COPY --from=build /out/strongroom /usr/local/bin/strongroom
