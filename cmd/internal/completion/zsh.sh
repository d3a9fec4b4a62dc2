#compdef wasihttp
# Completion of wasihttp for zsh.
_wasihttp() {
  local current=${words[CURRENT]} line ends
  local -a lines plain told
  lines=(${(f)"$(${words[1]} __complete "=$current" "${(@)words[2,CURRENT-1]}" 2>/dev/null)"})
  for line in $lines; do
    case $line in
      :folders) _files -/ ;;
      :files) [[ $current == -*=* ]] && compset -P '*='; _files ;;
      :files*)
        [[ $current == -*=* ]] && compset -P '*='
        ends=${${line#:files }// ./|.}
        _files -g "*(${ends})"
        ;;
      ?*) plain+=("${line%%$'\t'*}"); told+=("${line/$'\t'/  -- }") ;;
    esac
  done
  if (( $#plain )); then
    compadd -l -d told -- $plain
  fi
}
compdef _wasihttp wasihttp
