# Sourced by the commands in script/: finds a Python and hands over to script/lib.
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)"

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

hand_over() {
    local candidate
    for candidate in "$root/.venv/bin/python" python3 python3.12 python3.13 python3.11 /usr/bin/python3; do
        if fits "$candidate"; then
            exec "$candidate" "$root/script/lib" "$@"
        fi
    done
    echo "Earthquilt needs Python 3.11 or newer, and none was found: install python3 and run this again." >&2
    exit 1
}
