# Sourced by the scripts that run tests against real peers: installs what is pinned, and only what is missing or out of
# date. Works in the current folder, which is the repository's root.

# Runs an installer in a folder unless its inputs are the ones it last succeeded with.
install_once() { # folder, stamp file in it, inputs in it, command...
  local folder=$1 stamp=$1/$2 inputs=$3 now; shift 3
  now=$(cd "$folder" && cat $inputs | sha256sum)
  [[ -f $stamp && $(< "$stamp") == "$now" ]] && return
  rm -f "$stamp"
  (cd "$folder" && "$@")
  echo "$now" > "$stamp"
}

npm_packages() { # folder
  install_once "$1" node_modules/.installed "package.json package-lock.json .npmrc" \
    npm ci --no-progress --loglevel=error
}

python_packages() { # folder
  install_once "$1" .venv/.installed "requirements.txt" make_venv
}
make_venv() {
  rm -rf .venv
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
}

# Where the binary to test is: the one that MCP_PROXY_BIN names, otherwise the release build, made now.
release_binary() {
  if [[ -z ${MCP_PROXY_BIN:-} ]]; then
    cargo build --locked --release
    local host; host=$(rustc -vV | sed -n 's/^host: //p')
    export MCP_PROXY_BIN=$PWD/${CARGO_TARGET_DIR:-target}/$host/release/mcp-proxy
  fi
}
