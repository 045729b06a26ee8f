#!/bin/sh
# Installs sgbuild's program, its manual pages and completions, from a release, whose SHA256SUMS it is held against.
#   curl -fsSL …/install.sh | sh
#   sh install.sh --to /usr/local --version 0.1.0
set -eu

# Filled in when a release is made, so that a copy of the repository installs its own: `release/stamp`.
releases='@RELEASES@'

usage() {
    cat <<'END'
Usage: install.sh [--to DIR] [--version VERSION] [--from URL] [--target TARGET]

  --to DIR            the prefix: DIR/bin/sgbuild and DIR/share (default: /usr/local as root, else ~/.local)
  --version VERSION   such as 0.1.0 (default: the newest release)
  --from URL          where the releases are (default: those of the repository that this script is from)
  --target TARGET     such as x86_64-unknown-linux-musl (default: this machine's)
END
}

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

main() {
    to='' version='' target=''
    while [ $# -gt 0 ]; do
        case $1 in
            --help | -h) usage && exit ;;
            --to | --version | --from | --target) [ $# -ge 2 ] || fail "$1 wants a value" ;;
            *) usage >&2 && exit 2 ;;
        esac
        case $1 in
            --to) to=$2 ;;
            --version) version=${2#v} ;;
            --from) releases=${2%/} ;;
            --target) target=$2 ;;
        esac
        shift 2
    done
    case $releases in
        https://* | http://127.0.0.1:*) ;;
        @*) fail "this copy is of no release: say where the releases are, with --from https://…/releases" ;;
        *) fail "$releases: releases are fetched by https only" ;;
    esac
    [ -n "$to" ] || to=$(usual_prefix)
    [ -n "$target" ] || target=$(this_target)
    if [ -n "$version" ]; then from=$releases/download/v$version; else from=$releases/latest/download; fi
    install_release
}

usual_prefix() {
    if [ "$(id -u)" = 0 ]; then echo /usr/local; else echo "${HOME:?is not set: say where to install, with --to DIR}/.local"; fi
}

# The target whose archive runs here.
this_target() {
    case $(uname -m) in
        x86_64 | amd64) architecture=x86_64 ;;
        aarch64 | arm64) architecture=aarch64 ;;
        *) fail "there is no program for $(uname -m): build it, with cargo install" ;;
    esac
    case $(uname -s) in
        Linux) echo "$architecture-unknown-linux-$(this_libc)" ;;
        Darwin) echo "$architecture-apple-darwin" ;;
        *) fail "there is no program for $(uname -s): sgbuild runs on Linux and macOS" ;;
    esac
}

# glibc 2.17 or newer takes the one, whatever else the other, which is static.
this_libc() {
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || glibc=''
    glibc=${glibc#glibc }
    case $glibc in
        [0-9]*.[0-9]*) ;;
        *) echo musl && return ;;
    esac
    major=${glibc%%.*} minor=${glibc#*.}
    minor=${minor%%[!0-9]*}
    if [ "$major" -gt 2 ] || [ "$minor" -ge 17 ]; then echo gnu; else echo musl; fi
}

install_release() {
    archive=sgbuild-$target.tar.gz
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' HUP INT TERM
    fetch "$from/SHA256SUMS" "$scratch/SHA256SUMS"
    fetch "$from/$archive" "$scratch/$archive"
    verify
    tar -xzf "$scratch/$archive" -C "$scratch"
    unpacked=$scratch/sgbuild-$target
    "$unpacked/sgbuild" --version >"$scratch/version" || fail "$archive: the program does not run here"
    place
    echo "$(cat "$scratch/version") is in $to/bin"
    case :$PATH: in
        *:"$to/bin":*) ;;
        *) echo "$to/bin is not on your PATH: add it, as with  export PATH=\"$to/bin:\$PATH\"" ;;
    esac
}

fetch() {
    if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --retry 3 --output "$2" "$1" || fail "cannot fetch $1"
    elif command -v wget >/dev/null; then
        wget --quiet --tries 3 --output-document "$2" "$1" || fail "cannot fetch $1"
    else
        fail 'curl or wget is needed'
    fi
}

# The archive is what the release says it is.
verify() {
    said=$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' "$scratch/SHA256SUMS")
    [ -n "$said" ] || fail "$from/SHA256SUMS does not name $archive"
    if command -v sha256sum >/dev/null; then
        is=$(sha256sum <"$scratch/$archive")
    elif command -v shasum >/dev/null; then
        is=$(shasum -a 256 <"$scratch/$archive")
    else
        fail 'sha256sum or shasum is needed'
    fi
    is=${is%% *}
    [ "$is" = "$said" ] || fail "$from/$archive is not what SHA256SUMS says: its SHA-256 is $is, not $said"
}

# Pages and completions where man and the shells look for them; the program last, by one rename, as it may be running.
place() {
    mkdir -p "$to/bin" "$to/share/man/man1" "$to/share/bash-completion/completions" "$to/share/zsh/site-functions" \
        "$to/share/fish/vendor_completions.d"
    cp "$unpacked"/man/man1/* "$to/share/man/man1/"
    cp "$unpacked/completions/sgbuild.bash" "$to/share/bash-completion/completions/sgbuild"
    cp "$unpacked/completions/_sgbuild" "$to/share/zsh/site-functions/_sgbuild"
    cp "$unpacked/completions/sgbuild.fish" "$to/share/fish/vendor_completions.d/sgbuild.fish"
    cp "$unpacked/sgbuild" "$to/bin/.sgbuild.$$"
    chmod 755 "$to/bin/.sgbuild.$$"
    mv -f "$to/bin/.sgbuild.$$" "$to/bin/sgbuild"
}

# Last, so that half a script does nothing.
main "$@"
