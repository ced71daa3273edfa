#!/bin/sh
# Installs what the system tests talk to: nftables, iproute2, OpenSSH, sshpass, ufw with iptables, CrowdSec.
# For throw-away machines with Debian 12 or Ubuntu, as root. May be run again: what is installed stays as it is.
# Nothing is started or enabled, and CrowdSec is kept from registering with its central API.
set -eu

packages="nftables iproute2 iptables ufw openssh-server openssh-client sshpass crowdsec socat util-linux"

if [ "$(id -u)" -ne 0 ]; then
  echo "install-system.sh: must run as root (try: sudo $0)" >&2
  exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "install-system.sh: needs apt-get (Debian or Ubuntu); install these by hand: $packages" >&2
  exit 1
fi

missing=""
for package in $packages; do
  dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "install-system.sh: all installed"
  exit 0
fi

# No service may start while packages are configured (policy-rc.d 101 = "action forbidden"), whatever runs as init.
policy=/usr/sbin/policy-rc.d
made_policy=""
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  made_policy=yes
fi
log=$(mktemp)
finish() {
  status=$?
  [ -z "$made_policy" ] || rm -f "$policy"
  [ "$status" -eq 0 ] || tail -n 40 "$log" >&2
  rm -f "$log"
  exit "$status"
}
trap finish EXIT

# README.Debian of crowdsec: a file with a comment keeps the package from registering with the central API.
capi=/etc/crowdsec/online_api_credentials.yaml
if [ ! -s "$capi" ]; then
  mkdir -p "$(dirname "$capi")"
  echo "# not registered: installed for tests" >"$capi"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >>"$log" 2>&1
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $missing >>"$log" 2>&1

if [ -d /run/systemd/system ]; then
  for unit in crowdsec ssh ufw nftables; do
    case "$missing" in *"$unit"*) systemctl disable --now "$unit" >>"$log" 2>&1 || true ;; esac
  done
fi
echo "install-system.sh: installed$missing"
