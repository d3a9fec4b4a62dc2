#compdef wasihttp
# Completion of wasihttp for zsh.
_wasihttp() {
  local current=${words[CURRENT]}
  local -a asked options
  asked=(${words[1,CURRENT-1]})
  [[ $current == -* ]] && asked+=($current)
  options=(${(f)"$("${asked[@]}" --generate-bash-completion 2>/dev/null)"})
  if (( $#options )); then
    compadd -- ${options%%:*}
  fi
  [[ $current == -* ]] || _files
}
compdef _wasihttp wasihttp
