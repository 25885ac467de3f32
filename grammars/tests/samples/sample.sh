#!/usr/bin/env bash
# A small till.
set -euo pipefail

readonly MOST=64
declare -A coins=([1]=2 [5]=1)

# Adds everything up.
count() {
  local sum=0 worth
  for worth in "${!coins[@]}"; do
    sum=$((sum + worth * coins[$worth]))
  done
  echo "$sum"
}

function main {
  if [[ "${1:-}" == "-h" ]]; then
    cat <<EOF
usage: $0
EOF
    return 0
  fi
  count | tee /dev/stderr
}

main "$@"
