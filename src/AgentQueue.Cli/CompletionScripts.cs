namespace AgentQueue.Cli;

/// <summary>
/// The completion script of each shell. All of them hand the words to <see cref="CompleteCommand"/> and only
/// turn its lines into what their shell wants, so a new verb needs no new script.
/// </summary>
internal static class CompletionScripts
{
    // Without mapfile and associative arrays: macOS has bash 3.2.
    public const string Bash = """
        # Completion of agentq for bash. In ~/.bashrc:  eval "$(agentq completion bash)"
        _agentq() {
          local self=${1/#\~/$HOME} cur=${COMP_WORDS[COMP_CWORD]} line word
          type -P "$self" >/dev/null 2>&1 || self=agentq
          COMPREPLY=()
          while IFS= read -r line; do
            word=${line%%$'\t'*}
            if [[ $word == :files ]]; then
              [[ $cur == = ]] && cur=
              compopt -o filenames 2>/dev/null
              while IFS= read -r line; do
                COMPREPLY+=("$line")
              done < <(compgen -f -- "${cur#--*=}")
              return
            fi
            COMPREPLY+=("$word")
          done < <("$self" __complete "=$cur" "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null </dev/null)
        }
        complete -F _agentq agentq

        """;

    public const string Zsh = """
        #compdef agentq
        # Completion of agentq for zsh. In ~/.zshrc, after compinit:  eval "$(agentq completion zsh)"
        _agentq() {
          local line word tab=$'\t'
          local -a shown words_found
          while IFS= read -r line; do
            word=${line%%$tab*}
            if [[ $word == :files ]]; then
              compset -P '--*='
              _files
              return
            fi
            words_found+=("$word")
            if [[ $line == *$tab* ]]; then
              shown+=("$word  -- ${line#*$tab}")
            else
              shown+=("$word")
            fi
          done < <("${(Q)words[1]}" __complete "=$PREFIX" "${(@Q)words[2,CURRENT-1]}" 2>/dev/null </dev/null)
          (( $#words_found )) && compadd -U -l -V agentq -d shown -a words_found
        }
        # In a folder of $fpath this file is the function, and is run for the first completion.
        if [[ ${funcstack[1]} == _agentq ]]; then _agentq "$@"; else compdef _agentq agentq; fi

        """;

    public const string Fish = """
        # Completion of agentq for fish. In ~/.config/fish/config.fish:  agentq completion fish | source
        function __agentq_complete
            set -l words (commandline -opc)
            set -l current (commandline -ct)
            set -l self $words[1]
            set -e words[1]
            set -l offers (command $self __complete "=$current" $words 2>/dev/null </dev/null)
            if test "$offers[1]" = ":files"
                set -l option (string match -r -- '^--[^=]*=' "$current")
                for path in (__fish_complete_path (string replace -r -- '^--[^=]*=' '' "$current"))
                    echo "$option$path"
                end
            else
                printf '%s\n' $offers
            end
        end
        complete -c agentq -f -k -a '(__agentq_complete)'

        """;

    public const string Pwsh = """
        # Completion of agentq for PowerShell. In $PROFILE:
        #   agentq completion pwsh | Out-String | Invoke-Expression
        Register-ArgumentCompleter -Native -CommandName agentq -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)
            $words = @($commandAst.CommandElements |
                Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
                ForEach-Object { if ($null -ne $_.Value) { "$($_.Value)" } else { "$($_.Extent.Text)" } })
            $rest = @($words | Select-Object -Skip 1)
            & agentq __complete "=$wordToComplete" @rest 2>$null | ForEach-Object {
                $word, $text = $_ -split "`t", 2
                if ($word -ne ':files') {
                    if (-not $text) { $text = $word }
                    [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $text)
                }
            }
        }

        """;
}
