# check=skip=ReservedStageName
# Two images. `docker build --target scratch .` is the binary and nothing else: for remote servers. The other one, which
# is built by default, has what stdio servers are started with: node, npx, uv, uvx and git.

FROM rust:1.95-slim-trixie AS build
WORKDIR /src
COPY . .
# The caches make the next build quick, and are in no image: so what was built is taken out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --release \
 && install -D "target/$(rustc --print host-tuple)/release/mcp-proxy" /out/mcp-proxy

# There is nothing in it that could ask for /_healthz: that is for whoever runs it. Linters want to keep the name for the empty image, which later
# stages may be built from; none is, and it is the name by which one looks for this.
# hadolint ignore=DL3063
FROM scratch AS scratch
COPY --from=build /out/mcp-proxy /mcp-proxy
USER 65534:65534
EXPOSE 9090
STOPSIGNAL SIGTERM
ENTRYPOINT ["/mcp-proxy"]
CMD ["-config", "/config/config.json"]

FROM node:24-trixie-slim AS runtime
# Security updates come with each build: pinned versions would soon be gone from the archive. uv takes this Python
# unless a server wants another one.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git python3 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=astral/uv:0.13.9 /uv /uvx /usr/local/bin/
COPY --from=build /out/mcp-proxy /usr/local/bin/mcp-proxy
# The user `node`; a number, so that whoever runs the image can see that it is not root.
USER 1000:1000
# npx and uvx keep below it what they download.
ENV HOME=/home/node
WORKDIR /home/node
EXPOSE 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9090/_healthz').then(({ ok }) => process.exit(ok ? 0 : 1))"]
# It reaps orphans as the first process of a container must: there is no need for an init.
ENTRYPOINT ["/usr/local/bin/mcp-proxy"]
CMD ["-config", "/config/config.json"]
