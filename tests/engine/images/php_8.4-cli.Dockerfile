# seconds: 15
FROM debian:trixie-slim
ENV PHP_VERSION=8.4
RUN apt-get update && apt-get install -y --no-install-recommends php8.4-cli \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* && php --version
CMD ["php", "-a"]
