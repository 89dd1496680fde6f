# Shows a command as a user would type it, quotes included, then runs it; sourced by the other
# scripts here.
show() {
    show_typed "$@"
    printf '\n'
    "$@"
}

# The same for a command whose output says nothing new.
show_without_output() {
    show_typed "$@"
    printf ' >/dev/null\n'
    "$@" >/dev/null
}

show_typed() {
    printf '\n$'
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./:,=@%+-]*)
            printf " '%s'" "$(printf '%s' "$word" | sed "s/'/'\\\\''/g")" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
}
