# Completion of wasihttp for fish.
function __wasihttp_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l before ''
  string match -q -- '-*=*' $current; and set before (string replace -r '=.*' '=' -- $current)
  for line in ($words[1] __complete "=$current" $words[2..-1] 2>/dev/null)
    switch $line
      case ':folders'
        printf '%s\n' $before(__fish_complete_directories (string replace -- "$before" '' $current))
      case ':files'
        printf '%s\n' $before(__fish_complete_path (string replace -- "$before" '' $current))
      case ':files *'
        set -l ends (string split ' ' -- $line)[2..-1]
        for path in (__fish_complete_path (string replace -- "$before" '' $current))
          set -l name (string replace -r '\t.*' '' -- $path)
          if string match -q -- '*/' $name; or string match -q -- "*"$ends $name
            printf '%s\n' $before$path
          end
        end
      case '?*'
        printf '%s\n' $line
    end
  end
end
complete -c wasihttp -f -a '(__wasihttp_complete)'
