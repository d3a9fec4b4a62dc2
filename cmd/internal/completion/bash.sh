# Completion of wasihttp for bash.
_wasihttp() {
  local current=${COMP_WORDS[COMP_CWORD]} words
  COMPREPLY=()
  case $current in
    -*) words=$("${COMP_WORDS[@]:0:COMP_CWORD}" "$current" --generate-bash-completion 2>/dev/null) ;;
    *) words=$("${COMP_WORDS[@]:0:COMP_CWORD}" --generate-bash-completion 2>/dev/null) ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _wasihttp wasihttp
