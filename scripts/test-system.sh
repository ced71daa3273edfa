#!/usr/bin/env bash
# Tests that need root and real servers: installs what they talk to, then runs them. Without root every suite says why it is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(id -u)" -eq 0 ]; then bash scripts/install-system.sh; fi
exec node_modules/.bin/vitest run --config vitest.system.config.ts "$@"
