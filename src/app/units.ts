/** Hardening that both units share; see systemd.exec(5). */
const common = `NoNewPrivileges=yes
ProtectSystem=strict
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
UMask=0077
Restart=on-failure
RestartSec=2`;

/** A program below somebody's home could not be started with the homes hidden. */
const homes = (program: string): string => `ProtectHome=${/^\/(?:home|root|run\/user)\//.test(program) ? "read-only" : "yes"}`;

/** The guard: an unprivileged user that may read logs and nothing else. `program` is the absolute path of \`bin/haechi\`. */
export function guardUnit(program: string): string {
  return `[Unit]
Description=Haechi guard
Documentation=file:///etc/haechi/haechi.yaml
After=network.target haechi-warden.service
Wants=haechi-warden.service

[Service]
Type=exec
ExecStart=${program} up --config /etc/haechi/haechi.yaml
ExecReload=/bin/kill -HUP $MAINPID
User=haechi
Group=haechi
SupplementaryGroups=adm systemd-journal
StateDirectory=haechi
StateDirectoryMode=0700
CapabilityBoundingSet=
AmbientCapabilities=
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
ProtectProc=default
${homes(program)}
${common}

[Install]
WantedBy=multi-user.target
`;
}

const socket = "/run/haechi-warden/warden.sock";

/**
 * The warden: root with the few capabilities that it wants, reachable through its socket alone. What ufw wants beside
 * that stands in it as a comment, to be put into a drop-in.
 */
export function wardenUnit(program: string): string {
  return `# For ufw instead of nftables: systemctl edit haechi-warden, and put these lines in (without the #).
# ufw keeps its rules in /etc/ufw, locks in /run, applies its sysctl.conf when it reloads, and iptables may want a raw socket.
#[Service]
#ExecStart=
#ExecStart=${program} warden --socket ${socket} --user haechi --backend ufw
#CapabilityBoundingSet=CAP_NET_RAW
#ReadWritePaths=/etc/ufw /run
#ProtectKernelTunables=no

[Unit]
Description=Haechi warden (the only part that changes the firewall)
Before=haechi.service

[Service]
Type=exec
ExecStart=${program} warden --socket ${socket} --user haechi
# Started is who listens: the guard looks for the socket when it starts.
ExecStartPost=/usr/bin/timeout 10 /bin/sh -c 'until [ -S ${socket} ]; do sleep 0.1; done'
# Root's, and others may pass to the socket but neither list nor write: the warden refuses a folder others may write to.
RuntimeDirectory=haechi-warden
RuntimeDirectoryMode=0711
# NET_ADMIN: firewall, ending connections. CHOWN: gives the socket to its user. DAC_OVERRIDE and SYS_PTRACE: sees who is at the other end.
CapabilityBoundingSet=CAP_NET_ADMIN CAP_CHOWN CAP_DAC_OVERRIDE CAP_SYS_PTRACE
RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6
${homes(program)}
${common}

[Install]
WantedBy=multi-user.target
`;
}
