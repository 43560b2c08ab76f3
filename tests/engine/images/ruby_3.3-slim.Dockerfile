# seconds: 20
FROM debian:trixie-slim
ENV LANG=C.UTF-8 RUBY_VERSION=3.3.8
RUN apt-get update && apt-get install -y --no-install-recommends ruby ruby-bundler \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* && ruby --version && bundle --version
CMD ["irb"]
