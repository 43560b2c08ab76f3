# seconds: 30
FROM debian:trixie-slim
ENV LANG=C.UTF-8 ELIXIR_VERSION=v1.18
RUN apt-get update && apt-get install -y --no-install-recommends elixir erlang-dev \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* && elixir --version
CMD ["iex"]
