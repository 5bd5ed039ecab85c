#!/bin/sh
# Ray's HAProxy, kept on loopback. Ray binds its statistics and metrics pages to every interface and has no switch for
# it, but runs whatever RAY_SERVE_HAPROXY_BINARY_PATH names with `-f CONFIG`: this corrects the file, then becomes HAProxy.
# It also drops the two headers by which a client could switch off Serve's time limit and its notice of a disconnect.
set -eu
previous=
config=
for argument in "$@"; do
    [ "$previous" = -f ] && config=$argument
    previous=$argument
done
if [ -n "$config" ]; then
    sed -i -E \
        -e 's/^( *bind )\*?:/\1127.0.0.1:/' \
        -e '/^frontend http_frontend/,/^ *bind /{
            /^ *bind /a\    http-request del-header x-request-timeout-seconds\n    http-request del-header x-request-disconnect-disabled
        }' "$config"
fi
exec "$ANWEI_HAPROXY" "$@"
