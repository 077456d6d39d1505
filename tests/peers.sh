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

python_packages() { # folder; 2 for the Python SDK's 2.x, which does not go with its 1.x in one environment
  install_once "$1" ".venv${2:-}/.installed" "requirements${2:-}.txt" make_venv ".venv${2:-}" "requirements${2:-}.txt"
}
make_venv() { # environment, requirements
  rm -rf "$1"
  python3 -m venv "$1"
  "$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$2"
}

# A program of Debian's package below a folder, without installing it: to install nginx would start a server on port 80,
# and only root can.
unpack_package() { # package, folder
  mkdir -p "$2"
  (cd "$2" && { apt-get download "$1" || { apt-get update && apt-get download "$1"; }; } \
    && dpkg --extract "$1"_*.deb .) > /dev/null || true
}

# nginx, for the README's example of a reverse proxy: the machine's own, otherwise Debian's.
nginx_program() {
  NGINX_BIN=$(PATH=$PATH:/usr/sbin command -v nginx) || NGINX_BIN=$PWD/tests/e2e/.nginx/usr/sbin/nginx
  [[ -x $NGINX_BIN ]] || unpack_package nginx tests/e2e/.nginx
  "$NGINX_BIN" -v 2> /dev/null || { echo "the tests need nginx: apt-get install nginx-light" >&2; exit 1; }
  export NGINX_BIN
}

# valgrind, which counts instructions: the machine's own, otherwise Debian's.
valgrind_program() {
  local unpacked=$PWD/tests/hot_path/.valgrind
  VALGRIND_BIN=$(command -v valgrind) || VALGRIND_BIN=$unpacked/usr/bin/valgrind
  [[ -x $VALGRIND_BIN ]] || unpack_package valgrind "$unpacked"
  if [[ $VALGRIND_BIN == "$unpacked"/* ]]; then export VALGRIND_LIB=$unpacked/usr/libexec/valgrind; fi
  "$VALGRIND_BIN" --version > /dev/null || { echo "the tests need valgrind: apt-get install valgrind" >&2; exit 1; }
  export VALGRIND_BIN
}

# Chromium, for the status page and the login: the machine's own, otherwise Debian's package, which only root can install.
chromium_program() {
  local names="chromium chromium-browser google-chrome-stable google-chrome"
  CHROMIUM_BIN=${CHROMIUM_BIN:-$(command -v $names | head -n 1 || true)}
  if [[ -z $CHROMIUM_BIN && $EUID == 0 ]]; then
    export DEBIAN_FRONTEND=noninteractive
    { apt-get install -qq -y --no-install-recommends chromium \
      || { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; }; } > /dev/null || true
    CHROMIUM_BIN=$(command -v chromium || true)
  fi
  [[ -n $CHROMIUM_BIN ]] || { echo "the tests need Chromium: apt-get install chromium" >&2; exit 1; }
  export CHROMIUM_BIN
}

# Where the binary to test is: the one that MCP_PROXY_BIN names, otherwise the release build, made now.
release_binary() {
  if [[ -z ${MCP_PROXY_BIN:-} ]]; then
    cargo build --locked --release
    local host; host=$(rustc -vV | sed -n 's/^host: //p')
    MCP_PROXY_BIN=${CARGO_TARGET_DIR:-target}/$host/release/mcp-proxy
  fi
  export MCP_PROXY_BIN=$(realpath "$MCP_PROXY_BIN") # the tests run in other folders
}
