# Completion of wasihttp for bash.
_wasihttp() {
  # Bash takes = and : for words of their own: flags are put together with their values again.
  local raw=${COMP_WORDS[COMP_CWORD]} word=${COMP_WORDS[1]} part line candidate rest end i
  local -a words=()
  for ((i = 2; i <= COMP_CWORD; i++)); do
    part=${COMP_WORDS[i]}
    if [[ $part == = || $word == -*= || ($part == :* && $word != -*) || ($word == *: && $part != -*) ]]; then
      word+=$part
    else
      words+=("$word")
      word=$part
    fi
  done
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :*)
        read -r rest line <<<"$line"
        compopt -o filenames 2>/dev/null
        [[ $raw == = ]] && raw=
        while IFS= read -r candidate; do
          if [[ -d $candidate || ($rest == :files && -z $line) ]]; then
            COMPREPLY+=("$candidate")
            continue
          fi
          for end in $line; do
            [[ $candidate == *"$end" ]] && COMPREPLY+=("$candidate") && break
          done
        done < <(compgen -f -- "$raw")
        ;;
      ?*)
        candidate=${line%%$'\t'*}
        # What is before the part that bash completes stays.
        [[ $word == *=* ]] && candidate=${candidate#*=}
        COMPREPLY+=("$candidate")
        ;;
    esac
  done < <("${COMP_WORDS[0]}" __complete "=$word" ${words[@]+"${words[@]}"} 2>/dev/null)
}
complete -F _wasihttp wasihttp
