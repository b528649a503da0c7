#!/bin/bash
# deps.sh: installs what building and testing needs (Debian 12).
#
# As root it installs what is missing, and nothing when nothing is. Without
# root it names what is missing. Daemons that come along (nginx, corosync,
# keepalived) are neither started nor enabled: the rack starts its own.
set -euo pipefail

packages=(
	# build
	gcc make pkg-config libqb-dev libcpg-dev libcorosync-common-dev
	libnl-3-dev libnl-genl-3-dev libnl-route-3-dev libsqlite3-dev
	libcurl4-openssl-dev libconfuse-dev libjansson-dev libssl-dev
	libsystemd-dev libmicrohttpd-dev libsnmp-dev libncurses-dev
	# rack
	user-mode-linux corosync keepalived ipvsadm nginx-light socat iproute2
	iputils-ping iptables kmod openssh-server ppp procps util-linux python3
	# tests
	perl openssl universal-ctags clang libclang-rt-14-dev valgrind sqlite3
	mandoc systemd
	snmpd snmp snmptrapd smitools python3-pyte
)
daemons=(nginx corosync keepalived sshd snmpd snmptrapd)
policy=/usr/sbin/policy-rc.d

is_installed() {
	local status
	status=$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) || true
	[ "$status" = installed ]
}

missing=()
for package in "${packages[@]}"; do
	is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "deps: missing (run as root to install): ${missing[*]}" >&2
	exit 1
fi
echo "deps: installing ${#missing[@]} packages: ${missing[*]}"

# Daemons that are not here yet are the ones to keep quiet.
new_daemons=()
for daemon in "${daemons[@]}"; do
	[ -e "/usr/sbin/$daemon" ] || new_daemons+=("$daemon")
done

log=$(mktemp)
made_policy=
cleanup() {
	rm -f "$log"
	[ -z "$made_policy" ] || rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [ ! -e "$policy" ]; then
	made_policy=1
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

apt() {
	if ! DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >"$log" 2>&1 \
		</dev/null; then
		tail -n 20 "$log" >&2
		echo "deps: apt-get $1 failed" >&2
		exit 1
	fi
}

apt update
apt install --no-install-recommends "${missing[@]}"

if [ -d /run/systemd/system ] && [ ${#new_daemons[@]} -gt 0 ]; then
	systemctl --quiet disable --now "${new_daemons[@]}" || true
fi
