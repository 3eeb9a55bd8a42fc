package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (completionCommand) Help() string {
	return `Examples:

  lessor completion bash > /etc/bash_completion.d/lessor
  source <(lessor completion zsh)
  lessor completion fish > ~/.config/fish/completions/lessor.fish`
}

// Run prints the completions.
func (x completionCommand) Run(k *kong.Context, c *console) error {
	write := map[string]func([]*kong.Node) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	_, err := fmt.Fprint(c.out, write[x.Shell](k.Model.Children))
	return err
}

// names returns the names of commands.
func names(commands []*kong.Node) []string {
	all := make([]string, len(commands))
	for i, n := range commands {
		all[i] = n.Name
	}
	return all
}

// bashCompletion completes commands in the first place, then flags, then files.
func bashCompletion(commands []*kong.Node) string {
	var b strings.Builder
	b.WriteString("# bash completion for lessor\n_lessor() {\n  local words=\n  case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n")
	for _, n := range commands {
		for _, sub := range n.Children {
			fmt.Fprintf(&b, "    '%s %s') words='%s' ;;\n", n.Name, sub.Name, strings.Join(argumentsOf(sub), " "))
		}
		fmt.Fprintf(&b, "    '%s '*) words='%s' ;;\n", n.Name, strings.Join(append(names(n.Children), argumentsOf(n)...), " "))
	}
	fmt.Fprintf(&b, `  esac
  [ "$COMP_CWORD" -eq 1 ] && words='%s --help'
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _lessor lessor
`, strings.Join(names(commands), " "))
	return b.String()
}

// zshCompletion lets zsh use what bash uses.
func zshCompletion(commands []*kong.Node) string {
	return "autoload -U +X bashcompinit && bashcompinit\n" + bashCompletion(commands)
}

func fishCompletion(commands []*kong.Node) string {
	var b strings.Builder
	b.WriteString("# fish completion for lessor\n")
	for _, n := range commands {
		fmt.Fprintf(&b, "complete -c lessor -n __fish_use_subcommand -f -a %s -d %s\n", n.Name, fishQuote(n.Help))
		given := "__fish_seen_subcommand_from " + n.Name
		for _, sub := range n.Children {
			fmt.Fprintf(&b, "complete -c lessor -n '%s; and not __fish_seen_subcommand_from %s' -f -a %s -d %s\n",
				given, strings.Join(names(n.Children), " "), sub.Name, fishQuote(sub.Help))
			fishArguments(&b, given+"; and __fish_seen_subcommand_from "+sub.Name, sub)
		}
		fishArguments(&b, given, n)
	}
	return b.String()
}

// fishArguments writes what may follow a command once given is true.
func fishArguments(b *strings.Builder, given string, n *kong.Node) {
	for _, f := range n.Flags {
		value := ""
		if !f.IsBool() {
			value = " -r"
		}
		fmt.Fprintf(b, "complete -c lessor -n '%s' -l %s%s -d %s\n", given, f.Name, value, fishQuote(f.Help))
	}
	for _, p := range n.Positional {
		for _, v := range enumOf(p) {
			fmt.Fprintf(b, "complete -c lessor -n '%s' -f -a %s\n", given, v)
		}
	}
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}

// argumentsOf returns what may follow a command: its flags, and the values of an argument that has few.
func argumentsOf(n *kong.Node) []string {
	var out []string
	for _, f := range n.Flags {
		out = append(out, "--"+f.Name)
	}
	for _, p := range n.Positional {
		out = append(out, enumOf(p)...)
	}
	slices.Sort(out)
	return append(out, "--help")
}

func enumOf(p *kong.Positional) []string {
	if p.Enum == "" {
		return nil
	}
	return p.EnumSlice()
}
