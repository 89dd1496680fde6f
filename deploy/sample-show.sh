# Shows a command as a user would type it, then runs it; sourced by the other scripts here.
show() {
    printf '\n$ %s\n' "$*"
    "$@"
}
