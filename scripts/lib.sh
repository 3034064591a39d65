# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the scripts share: messages, checks, and an apt configuration of the build's own.
# Source it from a script in scripts/ after `set -euo pipefail`.

FLIPSIDE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
FLIPSIDE_BUILD=${FLIPSIDE_BUILD:-$FLIPSIDE_ROOT/build}
# Progress is timed from the first script of a chain, so that one clock runs through set-up, build and start.
export FLIPSIDE_STARTED=${FLIPSIDE_STARTED:-$(date +%s)}

# say TEXT...: one progress line with the time since the start.
say() {
    local seconds=$(($(date +%s) - FLIPSIDE_STARTED))
    printf '[%2d:%02d] %s\n' $((seconds / 60)) $((seconds % 60)) "$*"
}

# warn TEXT...: a line on standard error.
warn() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

# die TEXT...: says what is wrong on standard error and ends the script with 1.
die() {
    warn "$@"
    exit 1
}

# descendants PID: prints the processes that a process started, and those that they started.
descendants() {
    local child
    for child in $(awk -v parent="$1" '{ pid = $1; sub(/^.*\) /, ""); if ($2 == parent) print pid }' /proc/[0-9]*/stat 2>/dev/null); do
        echo "$child"
        descendants "$child"
    done
}

# stop_job PID: ends a background command with all that it started, and then this script as by an interrupt.
stop_job() {
    # shellcheck disable=SC2046 # a list of numbers
    kill "$1" $(descendants "$1") 2>/dev/null || true
    wait "$1" 2>/dev/null || true
    warn "interrupted; what is finished is kept, and the next run goes on from there."
    exit 130
}

# run_logged NAME WHAT COMMAND...: runs a long command with its output in build/log/NAME.log, a progress line each
# 20 seconds, and the log's last lines when it fails. Returns the command's status.
run_logged() {
    local name=$1 what=$2 log=$FLIPSIDE_BUILD/log/$1.log job status=0 ticks=0
    shift 2
    mkdir -p "$FLIPSIDE_BUILD/log"
    say "$what"
    "$@" >"$log" 2>&1 </dev/null &
    job=$!
    # An interrupted script must not leave its long command running behind the prompt.
    # shellcheck disable=SC2064 # the job of now
    trap "stop_job $job" INT TERM HUP
    while kill -0 "$job" 2>/dev/null; do
        sleep 1
        ticks=$((ticks + 1))
        if [ $((ticks % 20)) -eq 0 ]; then say "  ... still at it ($name, ${ticks} s)"; fi
    done
    wait "$job" || status=$?
    trap - INT TERM HUP
    if [ "$status" -ne 0 ]; then
        tail -n 25 "$log" >&2
        warn "failed: $what (the whole output is in ${log#"$FLIPSIDE_ROOT/"})"
    fi
    return "$status"
}

# need_room PATH MEGABYTES WHAT: ends with a clear message when the file system of PATH has less than that free.
need_room() {
    local path=$1 need=$2 what=$3 free
    while [ ! -e "$path" ]; do path=$(dirname "$path"); done
    free=$(($(df -Pk "$path" | awk 'NR == 2 { print $4 }') / 1024))
    [ "$free" -ge "$need" ] || die "not enough disk room for $what: $need MB needed, $free MB free in the file system of $path." \
        "Make room and start again; what is already made is kept."
}

# die_of STATUS TEXT...: ends the script because of a command's status: without more words when it was interrupted.
die_of() {
    [ "$1" -ne 130 ] || exit 130
    shift
    die "$@"
}

# debian_codename: prints bookworm or trixie; nothing (and fails) on any other distribution.
debian_codename() {
    local id='' version=''
    [ -r /etc/os-release ] || return 1
    id=$(. /etc/os-release && echo "${ID:-}")
    version=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    [ "$id" = debian ] || return 1
    case $version in bookworm | trixie) echo "$version" ;; *) return 1 ;; esac
}

# as_root COMMAND...: runs it as root, through sudo when needed.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

# can_be_root: whether as_root can work.
can_be_root() { [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null 2>&1; }

# system_sources: prints "SUITE URI SIGNED-BY" for each binary entry with component main in the system's apt sources,
# one-line and deb822 alike. SIGNED-BY is "-" when the entry names no key file.
system_sources() {
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -r "$file" ] || continue
        awk '
            $1 != "deb" { next }
            {
                line = $0
                sub(/#.*/, "", line)
                key = "-"
                if (match(line, /\[[^]]*\]/)) {
                    options = substr(line, RSTART + 1, RLENGTH - 2)
                    line = substr(line, 1, RSTART - 1) " " substr(line, RSTART + RLENGTH)
                    count = split(options, option, /[ \t]+/)
                    for (i = 1; i <= count; i++)
                        if (option[i] ~ /^signed-by=\//) key = substr(option[i], 11)
                }
                count = split(line, field, /[ \t]+/)
                for (i = 4; i <= count; i++)
                    if (field[i] == "main") print field[3], field[2], key
            }' "$file"
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -r "$file" ] || continue
        awk '
            function finish(   i, j, u, s, us, ss) {
                if (types ~ /(^| )deb( |$)/ && components ~ /(^| )main( |$)/ && enabled != "no") {
                    us = split(uris, u, " ")
                    ss = split(suites, s, " ")
                    for (i = 1; i <= us; i++)
                        for (j = 1; j <= ss; j++) print s[j], u[i], key
                }
                types = uris = suites = components = enabled = ""
                key = "-"
            }
            BEGIN { key = "-" }
            /^#/ { next }
            /^[ \t]*$/ { finish(); next }
            {
                if ($0 ~ /^[A-Za-z-]+:/) {
                    name = tolower(substr($0, 1, index($0, ":") - 1))
                    value = substr($0, index($0, ":") + 1)
                } else {
                    value = $0
                }
                gsub(/[ \t]+/, " ", value)
                sub(/^ /, "", value)
                sub(/ $/, "", value)
                if (name == "types") types = types " " value
                if (name == "uris") uris = uris " " value
                if (name == "suites") suites = suites " " value
                if (name == "components") components = components " " value
                if (name == "enabled") enabled = tolower(value)
                if (name == "signed-by" && value ~ /^\//) key = value
            }
            END { finish() }' "$file"
    done
}

# debian_mirror KIND: prints "URI SIGNED-BY" of the mirror that the system itself uses; KIND is main or security.
# Entries of third parties serve other suites and so are never taken.
debian_mirror() {
    local kind=$1 codename
    codename=$(debian_codename) || return 1
    system_sources | awk -v kind="$kind" -v codename="$codename" '
        $2 ~ /^cdrom:/ || found { next }
        kind == "main" && ($1 == codename || $1 == "stable" || $1 == "oldstable") { found = $2 " " $3 }
        kind == "security" && $1 ~ ("^(" codename "|stable|oldstable)-security$") { found = $2 " " $3 }
        END { if (found) print found; exit !found }'
}

# apt_source_line TYPE KIND SUITE: prints a one-line apt source for SUITE on the system's mirror. The archive's own key
# file is used where it is installed, since the key that a system names for its release may not be that of another.
apt_source_line() {
    local type=$1 kind=$2 suite=$3 mirror uri key=/usr/share/keyrings/debian-archive-keyring.gpg
    mirror=$(debian_mirror "$kind") || return 1
    uri=${mirror% *}
    [ -r "$key" ] || key=${mirror##* }
    if [ "$key" = - ]; then echo "$type $uri $suite main"; else echo "$type [signed-by=$key] $uri $suite main"; fi
}

# apt_prepare NAME ARCHITECTURE SYSTEM: writes build/apt/NAME/apt.conf from the source lines on standard input. SYSTEM is
# "system" to go by the system's installed packages, or "empty" to go by none (for downloads only).
# Nothing of the system's own apt configuration is changed.
apt_prepare() {
    local name=$1 architecture=$2 system=$3 dir=$FLIPSIDE_BUILD/apt/$1 wanted
    wanted=$(cat)
    mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/empty.d"
    if [ ! -f "$dir/sources.list" ] || [ "$wanted" != "$(cat "$dir/sources.list")" ]; then
        printf '%s\n' "$wanted" >"$dir/sources.list"
        rm -f "$dir/updated"
    fi
    {
        # The lists are private; hooks of the system's own updates have no business with them.
        echo '#clear APT::Update::Post-Invoke;'
        echo '#clear APT::Update::Post-Invoke-Success;'
        echo "Dir::Etc::sourcelist \"$dir/sources.list\";"
        echo "Dir::Etc::sourceparts \"$dir/empty.d\";"
        echo "Dir::State::lists \"$dir/lists\";"
        echo 'Dir::Cache::pkgcache "";'
        echo 'Dir::Cache::srcpkgcache "";'
        echo 'Acquire::Languages "none";'
        echo 'Acquire::Retries "3";'
        echo 'Acquire::GzipIndexes "false";'
        # The build's directory need not be readable by apt's download user.
        echo 'APT::Sandbox::User "root";'
        echo 'APT::Install-Recommends "false";'
        echo 'DPkg::Lock::Timeout "600";'
        if [ "$system" = empty ]; then
            : >"$dir/status"
            echo "Dir::State::status \"$dir/status\";"
            echo "Dir::State::extended_states \"$dir/extended_states\";"
            echo "Dir::Cache::archives \"$dir/archives\";"
            echo "Dir::Etc::preferencesparts \"$dir/empty.d\";"
            echo '#clear APT::Architectures;'
            echo "APT::Architecture \"$architecture\";"
            echo "APT::Architectures { \"$architecture\"; };"
        fi
    } >"$dir/apt.conf"
}

# apt_update NAME [MINUTES]: fetches the package lists unless that was done in the last MINUTES (default a day).
apt_update() {
    local name=$1 minutes=${2:-1440} dir=$FLIPSIDE_BUILD/apt/$1
    if [ -n "$(find "$dir/updated" -mmin "-$minutes" 2>/dev/null)" ]; then return 0; fi
    run_logged "apt-update-$name" "Fetching package lists ($name)" apt-get -c "$dir/apt.conf" -q -o APT::Update::Error-Mode=any update ||
        die "the package lists could not be fetched. Is there a network, and do the system's own apt sources work (apt-get update)?"
    touch "$dir/updated"
}

# apt_get NAME ARGUMENTS..., apt_cache NAME ARGUMENTS...: the tools with the private configuration NAME.
apt_get() {
    local name=$1
    shift
    apt-get -c "$FLIPSIDE_BUILD/apt/$name/apt.conf" -q "$@"
}
apt_cache() {
    local name=$1
    shift
    apt-cache -c "$FLIPSIDE_BUILD/apt/$name/apt.conf" "$@"
}

# build_product PRESET...: configures and builds with the CMake workflows of those names. Packages are of the same bytes
# only if their files are made with the same permissions.
build_product() {
    local preset
    umask 022
    for preset in "$@"; do
        (cd "$FLIPSIDE_ROOT" && run_logged "build-$preset" "Building ($preset)" cmake --workflow --preset "$preset") ||
            die_of $? "the build failed."
    done
}
