# seconds: 30
FROM debian:trixie-slim
ENV CARGO_HOME=/usr/local/cargo RUST_VERSION=1.85.0
RUN apt-get update && apt-get install -y --no-install-recommends rustc cargo gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
 && mkdir -p /usr/local/cargo/bin && chmod -R a+w /usr/local/cargo && cargo --version
CMD ["bash"]
