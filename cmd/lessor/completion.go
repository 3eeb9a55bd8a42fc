package main

import "fmt"

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (completionCommand) Help() string {
	return `The shell asks this program what may stand where you are: commands, flags, values, files, and, of a running server, the names of networks, members, hosts and versions. What a server does not say within a third of a second is left out. The package installs the completions of all three.

Examples:

  lessor completion bash > /etc/bash_completion.d/lessor
  source <(lessor completion zsh)
  lessor completion fish > ~/.config/fish/completions/lessor.fish`
}

// Run prints the completions.
func (x completionCommand) Run(c *console) error {
	_, err := fmt.Fprint(c.out, map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[x.Shell])
	return err
}

// completeWord is what the shells call: lessor __complete SHELL, and what was typed so far. What it prints are lines: a
// word, and behind a tab what it means; the last line says after a colon what may stand there beside these: files,
// directories, or nothing, and whether the word goes on (open).
const completeWord = "__complete"

// bashCompletion has bash ask. It gives the line as it is, since bash breaks words at = and : as well; what it
// inserts is quoted by the program.
const bashCompletion = `# bash completion for lessor
_lessor() {
  local program=$1 line last
  local -a lines
  [[ $program == "~"* ]] && program=lessor
  mapfile -t lines < <("$program" __complete bash "$COMP_LINE" "$COMP_POINT" 2>/dev/null)
  COMPREPLY=()
  [ ${#lines[@]} -gt 0 ] || return 0
  last=${lines[${#lines[@]}-1]}
  unset "lines[${#lines[@]}-1]"
  for line in "${lines[@]}"; do
    COMPREPLY+=("${line%%$'\t'*}")
  done
  case $last in
    *files*) ;;
    *directories*) compopt +o default -o dirnames ;;
    *) compopt +o default ;;
  esac
  case $last in *open*) compopt -o nospace ;; esac
}
complete -o default -F _lessor lessor
`

const zshCompletion = `#compdef lessor
# zsh completion for lessor
_lessor() {
  local last line
  local -a lines closed opened
  lines=("${(@f)$("${~words[1]}" __complete zsh "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  (( ${#lines} )) || return 1
  last=${lines[-1]}
  lines=("${(@)lines[1,-2]}")
  if [[ ${words[CURRENT]} == --*=* ]]; then compset -P 1 '*='; fi
  if (( ${#lines} )); then
    if [[ $last == *open* ]]; then _describe -V lessor lines -S ''; else _describe -V lessor lines; fi
  fi
  case $last in
    *files*) _files ;;
    *directories*) _files -/ ;;
  esac
}
if [ "$funcstack[1]" = _lessor ]; then
  _lessor "$@"
elif (( $+functions[compdef] )); then
  compdef _lessor lessor
else
  autoload -Uz compinit && compinit && compdef _lessor lessor
fi
`

const fishCompletion = `# fish completion for lessor
function __lessor_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l program $words[1]
  set -e words[1]
  set -l lines (command $program __complete fish $words "$current" 2>/dev/null)
  test (count $lines) -gt 0; or return
  set -l last $lines[-1]
  set -e lines[-1]
  test (count $lines) -gt 0; and printf '%s\n' $lines
  set -l before (string match -r -- '^--[a-z-]+=' $current)
  set -l rest $current
  test -n "$before"; and set rest (string replace -- $before '' $current)
  switch $last
    case '*files*'
      for path in (__fish_complete_path "$rest")
        printf '%s%s\n' "$before" $path
      end
    case '*directories*'
      for path in (__fish_complete_directories "$rest")
        printf '%s%s\n' "$before" $path
      end
  end
end
complete -c lessor -e
complete -c lessor -f -k -a '(__lessor_complete)'
`
