# seconds: 20
FROM debian:trixie-slim
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 PYTHON_VERSION=3.13.5
# The published image has everything below /usr/local, pip as its authors ship it, and the headers.
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3.13 python3.13-venv tzdata netbase \
 && cd /tmp && apt-get download libpython3.13-dev && dpkg -x libpython3.13-dev_*.deb dev \
 && cp -r dev/usr/include/. /usr/include/ && rm -rf /tmp/* \
 && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED \
 && ln -s /usr/bin/python3.13 /usr/local/bin/python3.13 \
 && ln -s python3.13 /usr/local/bin/python3 && ln -s python3 /usr/local/bin/python \
 && mkdir -p /usr/local/lib/python3.13/dist-packages \
 && ln -s dist-packages /usr/local/lib/python3.13/site-packages \
 && python3.13 "$(echo /usr/share/python-wheels/pip-*.whl)/pip" install --no-cache-dir --root-user-action ignore pip \
 && pip --version \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
CMD ["python3"]
