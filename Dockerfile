# syntax=docker/dockerfile:1
#
# docker build -t strongroom .                                      compiles here (needs the rust image)
# docker build -t strongroom --target prebuilt .                    takes dist/strongroom, compiled elsewhere
# docker build -t strongroom:sandbox --target sandbox .             for development: its AWS is in memory, nothing is real
# docker build -t strongroom:sandbox --target prebuilt-sandbox .    takes dist/strongroom-sandbox
#
# Run it as it is meant to run, which docs/operations.md tells in whole (Image):
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges -p 50051:50051 \
#     -v "$PWD/strongroom.toml:/etc/strongroom/strongroom.toml:ro" strongroom serve --config /etc/strongroom/strongroom.toml

# Distroless `cc`: glibc, libgcc and CA certificates (rustls reads the system's roots), and no shell, package manager
# or tzdata that we would need (zones are compiled in). Debian 12 because the build stage is Debian 12: a binary linked
# on a newer glibc would not start here.
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot
ARG BUILD_IMAGE=rust:1.95.0-bookworm

# What all images share; the binary is the last layer, so that everything above it is cached.
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
# gRPC; metrics, health and build information for those who operate it.
EXPOSE 50051 9464
# The allocator gives back at once what is freed: after a flood an idle server would else keep the peak of it.
ENV MIMALLOC_PURGE_DELAY=0
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/strongroom"]
# The program's defaults are loopback addresses, which nobody outside the container reaches. As arguments and not as
# variables, so that a configuration file can still say otherwise once the arguments are replaced. Who may call is not said here:
# so it does not start until somebody says that.
CMD ["serve", "--listen", "0.0.0.0:50051", "--admin-listen", "0.0.0.0:9464"]

# Before the build stages, so that builders that don't skip unused stages never pull the rust image for it.
FROM runtime AS prebuilt
COPY --chmod=0555 dist/strongroom /usr/local/bin/strongroom

# The same with an AWS in memory, for a development cluster. By another title, and with a label that an admission policy
# can refuse: whoever took it for the real one would believe in backups that nobody makes.
FROM runtime AS runtime-sandbox
LABEL org.opencontainers.image.title="strongroom-sandbox" \
      org.opencontainers.image.description="NOT FOR BACKUPS: Strongroom before an AWS in memory, for development; nothing is real, and all is gone when it stops" \
      io.strongroom.sandbox="true"
# The AWS in memory, for boto3, the AWS CLI and Terraform, and the control of its clock.
EXPOSE 4566
# Whoever reaches it may call: there is nothing in it to guard.
CMD ["serve", "--sandbox", "--listen", "0.0.0.0:50051", "--admin-listen", "0.0.0.0:9464", "--sandbox-listen", "0.0.0.0:4566", "--set", "access.allow_anonymous=true"]

FROM runtime-sandbox AS prebuilt-sandbox
COPY --chmod=0555 dist/strongroom-sandbox /usr/local/bin/strongroom

FROM ${BUILD_IMAGE} AS sources
WORKDIR /src
COPY Cargo.toml Cargo.lock build.rs ./
COPY proto proto
# `check-config --aws` compares with it.
COPY docs/samples/iam-policy.json docs/samples/iam-policy.json
COPY sandbox sandbox
COPY src src

# The registry and the target folder live in cache mounts: a change of one line compiles one crate, and what the two
# builds share is compiled once. Locked, because they write to the same folder. The build takes REVISION out of its
# environment: there is no .git here to read it from.
FROM sources AS build-sandbox
ARG REVISION=unknown
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked --bin strongroom \
 && install -D -m 0555 target/release/strongroom /out/strongroom

FROM runtime-sandbox AS sandbox
COPY --from=build-sandbox /out/strongroom /usr/local/bin/strongroom

# The sandbox is left out: a production image must not be able to pretend to be AWS.
FROM sources AS build
ARG REVISION=unknown
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked --no-default-features --bin strongroom \
 && install -D -m 0555 target/release/strongroom /out/strongroom

# The last stage is what is built when none is named.
FROM runtime AS final
COPY --from=build /out/strongroom /usr/local/bin/strongroom
