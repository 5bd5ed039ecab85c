#!/bin/sh
# Ray's HAProxy, kept on loopback. Ray binds its statistics and metrics pages to every interface and has no switch for
# it, but runs whatever RAY_SERVE_HAPROXY_BINARY_PATH names with `-f CONFIG`: this corrects the file, then becomes HAProxy.
# It also drops the two headers by which a client could switch off Serve's time limit and its notice of a disconnect, and
# keeps HAProxy from sending an administrator's request a second time: a rollback is one step, not two. A HAProxy that has
# not heard of any composer yet says so, instead of 404. And it writes the client's address into X-Forwarded-For over
# whatever the client wrote there, unless ANWEI_FORWARDED_FOR says that a proxy in front of it has done so.
set -eu
previous=
config=
for argument in "$@"; do
    [ "$previous" = -f ] && config=$argument
    previous=$argument
done
address='\n    http-request set-header x-forwarded-for %[src]'
[ -z "${ANWEI_FORWARDED_FOR:-}" ] || address=
starting='{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"starting; try again in 1 s","errors":[]}'
if [ -n "$config" ]; then
    sed -i -E \
        -e "/^backend default_backend/,/http-request return/ s~^( *http-request return ).*~\1status 503 content-type application/problem+json hdr retry-after 1 string '$starting'~" \
        -e 's/^( *bind )\*?:/\1127.0.0.1:/' \
        -e '/^frontend http_frontend/,/^ *bind /{
            /^ *bind /a\    http-request del-header x-request-timeout-seconds\n    http-request del-header x-request-disconnect-disabled\n    http-request disable-l7-retry if { path_sub /v1/admin/ }'"$address"'
        }' "$config"
fi
exec "$ANWEI_HAPROXY" "$@"
