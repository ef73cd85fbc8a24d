# Sourced by other scripts: installs what a clean Debian lacks, or says what to
# install. Nothing is installed that is there already.

# need_command NAME PACKAGE makes sure that a command exists.
need_command() {
	if command -v "$1" >/dev/null 2>&1; then
		return 0
	fi
	need_package "$1" "$2"
}

# need_package WHAT PACKAGE... installs Debian packages.
need_package() {
	what=$1
	shift
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
		echo "$what is missing: install it (on Debian: apt-get install $*) and try again" >&2
		exit 1
	fi
	echo "installing $*" >&2
	apt-get update -q >/dev/null
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >/dev/null
}
