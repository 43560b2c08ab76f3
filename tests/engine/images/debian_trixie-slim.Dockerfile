# seconds: 25
FROM scratch
ADD root.tar /
COPY sources.list /etc/apt/sources.list
# What the machine trusts besides Debian's own list (a proxy may sign TLS anew) goes where
# update-ca-certificates finds it, so a later run of that keeps it. Node needs these few only.
RUN --mount=type=bind,source=machine.crt,target=/tmp/machine.crt \
    awk -v RS='-----END CERTIFICATE-----' ' \
        !/-----BEGIN/ {next} \
        {sub(/^.*-----BEGIN/, "-----BEGIN"); certificate = $0 RS "\n"} \
        NR == FNR {known[certificate]; next} \
        !(certificate in known) {printf "%s", certificate > sprintf("/usr/local/share/ca-certificates/machine-%03d.crt", ++n)} \
    ' /etc/ssl/certs/ca-certificates.crt /tmp/machine.crt \
 && update-ca-certificates \
 && { cat /usr/local/share/ca-certificates/machine-*.crt 2>/dev/null || cat /etc/ssl/certs/ca-certificates.crt; } > /etc/ssl/machine.pem \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt \
    CARGO_HTTP_CAINFO=/etc/ssl/certs/ca-certificates.crt \
    NODE_EXTRA_CA_CERTS=/etc/ssl/machine.pem
CMD ["bash"]
