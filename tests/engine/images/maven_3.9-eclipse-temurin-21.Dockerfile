# seconds: 40
FROM debian:trixie-slim
# Debian's Java trusts what the system trusts, which the published image's does not by itself.
ENV JAVA_HOME=/usr/lib/jvm/java-21-openjdk-amd64 MAVEN_HOME=/usr/share/maven
RUN mkdir -p /usr/share/man/man1 && apt-get update \
 && apt-get install -y --no-install-recommends openjdk-21-jdk-headless ca-certificates-java maven \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* && mvn --version
CMD ["mvn"]
