// bashCompletion(): what bash completes, as a script for it.

import type { Command } from "./command.ts";
import type { Flag } from "./command_line.ts";
import {
  flagWords,
  type Place,
  placesOf,
  takesFile,
  wordsOf,
} from "./completion.ts";

/** A script that has bash complete `maple`. */
export function bashCompletion(commands: readonly Command[]): string {
  const places = placesOf(commands);
  const nested = commands.filter(({ subCommands }) => subCommands)
    .map(({ name }) => name);
  return `# Completes maple in bash: maple completion bash > /etc/bash_completion.d/maple
_maple() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} key= words=
  COMPREPLY=()
  # Bash takes --flag=value for three words.
  if [ "$cur" = = ]; then
    cur=
  elif [ "$prev" = = ] && ((COMP_CWORD > 2)); then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  ((COMP_CWORD > 1)) && key=\${COMP_WORDS[1]}
  case $key in
    ${nested.join(" | ")}) ((COMP_CWORD > 2)) && key="$key \${COMP_WORDS[2]}" ;;
  esac
  case "$key $prev" in
${places.flatMap(valueCases).join("\n")}
  esac
  case $key in
${places.map(wordCase).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _maple maple
`;
}

function wordCase(place: Place): string {
  return `    ${quote(place.key)}) words=${quote(wordsOf(place).join(" "))} ;;`;
}

// What stands behind flags that take a value: a file, one of a few words, what nobody can guess.
function valueCases({ key, flags }: Place): string[] {
  const behind = (some: readonly Flag[]) =>
    some.flatMap(flagWords).map((word) => quote(`${key} ${word}`)).join(" | ");
  const valued = flags.filter(({ type }) => type !== "boolean");
  const chosen = valued.filter(({ choices }) => choices);
  const files = valued.filter(takesFile);
  const others = valued.filter((flag) =>
    !chosen.includes(flag) && !files.includes(flag)
  );
  const cases = chosen.map((flag) =>
    `    ${behind([flag])})
      COMPREPLY=($(compgen -W ${quote(flag.choices!.join(" "))} -- "$cur"))
      return
      ;;`
  );
  if (files.length > 0) {
    cases.push(`    ${behind(files)})
      compopt -o filenames 2>/dev/null
      local IFS=$'\\n'
      COMPREPLY=($(compgen -f -- "$cur"))
      return
      ;;`);
  }
  if (others.length > 0) cases.push(`    ${behind(others)}) return ;;`);
  return cases;
}

function quote(text: string): string {
  return `"${text.replaceAll(/["$`\\]/g, "\\$&")}"`;
}
