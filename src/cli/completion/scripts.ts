/**
 * The scripts that shells load. They hold no commands or names: they pass the words so far to `dpctl
 * __complete` and print its lines, `VALUE<tab>TEXT`. A first line `:directory` asks for directories.
 */

const BASH = `# bash completion for dpctl
_dpctl() {
    local cur=\${COMP_WORDS[COMP_CWORD]} line value
    COMPREPLY=()
    # bash splits --flag=value into three words, and the value is what is being typed.
    [[ $cur == "=" ]] && cur=
    while IFS= read -r line; do
        if [[ $line == ":directory" ]]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$cur")
            continue
        fi
        value=\${line%%$'\\t'*}
        if [[ $value == "$cur"* ]]; then
            printf -v value '%q' "$value"
            COMPREPLY+=("$value")
        fi
    done < <("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _dpctl dpctl
`;

const ZSH = `#compdef dpctl
# zsh completion for dpctl
_dpctl() {
    local line value
    local -a values texts
    while IFS= read -r line; do
        if [[ $line == ":directory" ]]; then
            _files -/
            continue
        fi
        value=\${line%%$'\\t'*}
        values+=("$value")
        if [[ $line == *$'\\t'?* ]]; then
            texts+=("$value  -- \${line#*$'\\t'}")
        else
            texts+=("$value")
        fi
    done < <("$words[1]" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
    (( $#values )) && compadd -l -d texts -a values
}
if [[ $funcstack[1] == _dpctl ]]; then
    _dpctl "$@"
else
    compdef _dpctl dpctl
fi
`;

const FISH = `# fish completion for dpctl
function __dpctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        if test "$line" = ":directory"
            __fish_complete_directories "$current"
        else
            echo $line
        end
    end
end
complete -c dpctl -f -a '(__dpctl_complete)'
`;

/** The completion script of a shell. */
export function completionScript(shell: 'bash' | 'zsh' | 'fish'): string {
  return { bash: BASH, zsh: ZSH, fish: FISH }[shell];
}
