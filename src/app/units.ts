/** Hardening that both units share; see systemd.exec(5). */
const common = `NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
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
${common}

[Install]
WantedBy=multi-user.target
`;
}

/** The warden: root with the one capability that firewalls want, reachable through its socket alone. */
export function wardenUnit(program: string): string {
  return `[Unit]
Description=Haechi warden (the only part that changes the firewall)
Before=haechi.service

[Service]
Type=exec
ExecStart=${program} warden --socket /run/haechi-warden/warden.sock --user haechi
RuntimeDirectory=haechi-warden
RuntimeDirectoryMode=0755
CapabilityBoundingSet=CAP_NET_ADMIN CAP_CHOWN CAP_DAC_OVERRIDE
RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6
${common}

[Install]
WantedBy=multi-user.target
`;
}
