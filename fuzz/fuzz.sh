#!/usr/bin/env bash
# Runs every fuzz target for FUZZ_SECONDS (60) or those that are named, beginning with fuzz/corpus and with what the fixtures
# hold. What an earlier run learned is kept beside the target directory; an input that fails is kept in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."

kept="${FUZZ_TARGET_DIR:-${CARGO_TARGET_DIR:-$PWD/target}/fuzz}"
limits=(-max_total_time="${FUZZ_SECONDS:-60}" -timeout=20 -rss_limit_mb=1024 -max_len=4096)

# The fixtures' files of a name, each with its fixture's name: what a target begins with.
seeds() {
    local file
    for file in fixtures/*/"$1"; do
        cp "$file" "$corpus/$(basename "$(dirname "$file")")"
    done
}

export CARGO_TARGET_DIR="$kept/target"
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
    mapfile -t targets < <(cargo fuzz list)
fi
for target in "${targets[@]}"; do
    corpus="$kept/corpus/$target"
    mkdir -p "$corpus"
    if [ -d "fuzz/corpus/$target" ]; then
        cp "fuzz/corpus/$target"/* "$corpus/"
    fi
    case "$target" in
        setup_py) seeds setup.py ;;
        setup_cfg) seeds setup.cfg ;;
        pyproject) seeds pyproject.toml ;;
        manifest | glob) seeds MANIFEST.in ;;
        wheel) for kind in stored-only large-entries sizes-follow case-differs leads-up; do
            python3 tests/it/support/odd_wheel.py "$kind" "$corpus"
        done ;;
        repack) (printf '\0' && tar --create --directory fixtures linked-file) >"$corpus/seed" ;;
    esac
    echo "== $target"
    cargo fuzz run --sanitizer none "$target" "$corpus" -- "${limits[@]}"
done
