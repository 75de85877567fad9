import type { CommandWords } from './program.ts';

/** What a shell reads to complete the words of `coffer`: commands and options; names of files where neither is meant. */
export const completionScripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

function bashScript(all: readonly CommandWords[]): string {
  return `# coffer completion bash: source it, or put it into /etc/bash_completion.d/coffer
_coffer() {
  local word group='' current="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$group/$word" in
${all
  .filter(({ words }) => words.length > 0)
  .map(({ words }) => `      '${words.slice(0, -1).join(' ')}/${words.at(-1) ?? ''}') group='${words.join(' ')}' ;;`)
  .join('\n')}
    esac
  done
  case "$group" in
${all.map((one) => `    '${one.words.join(' ')}') COMPREPLY=($(compgen -W '${wordsAfter(one)}' -- "$current")) ;;`).join('\n')}
  esac
}
complete -o default -F _coffer coffer
`;
}

/** Zsh runs what is written for bash. */
function zshScript(all: readonly CommandWords[]): string {
  return `# coffer completion zsh: source it after compinit\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(all)}`;
}

function fishScript(all: readonly CommandWords[]): string {
  const groups = all.filter(({ next }) => next.length > 0).map(({ words }) => words.join(' '));
  return `# coffer completion fish: put it into ~/.config/fish/completions/coffer.fish
function __coffer_at
    set -l group
    for word in (commandline -opc)[2..-1]
        switch "$group/$word"
${all
  .filter(({ words }) => words.length > 0)
  .map(
    ({ words }) =>
      `            case '${words.slice(0, -1).join(' ')}/${words.at(-1) ?? ''}'\n                set group '${words.join(' ')}'`,
  )
  .join('\n')}
        end
    end
    test "$group" = "$argv[1]"
end
${groups.map((group) => `complete -c coffer -f -n "__coffer_at '${group}'"`).join('\n')}
${all.flatMap(fishLines).join('\n')}
`;
}

function fishLines({ words, next, options }: CommandWords): string[] {
  const at = `complete -c coffer -n "__coffer_at '${words.join(' ')}'"`;
  return [
    ...next.map(({ name, summary }) => `${at} -a ${name} -d '${quoted(summary)}'`),
    ...options.map(
      ({ long, summary, hasValue }) => `${at} -l ${long.slice(2)}${hasValue ? ' -r' : ''} -d '${quoted(summary)}'`,
    ),
  ];
}

function wordsAfter({ next, options }: CommandWords): string {
  return [...next.map(({ name }) => name), ...options.map(({ long }) => long), '--help'].join(' ');
}

function quoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
}
