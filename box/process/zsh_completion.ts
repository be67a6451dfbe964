// zshCompletion(): what zsh completes, as a script for it.

import type { Command } from "./command.ts";
import type { Flag } from "./command_line.ts";
import {
  flagWords,
  type Place,
  placesOf,
  takesFile,
  type Word,
} from "./completion.ts";

/** A script that has zsh complete `maple`. */
export function zshCompletion(commands: readonly Command[]): string {
  const nested = commands.filter(({ subCommands }) => subCommands)
    .map(({ name }) => name);
  return `#compdef maple
# Completes maple in zsh: maple completion zsh > "\${fpath[1]}/_maple"
_maple() {
  local key=
  local -a programs
  if (( CURRENT > 2 )); then
    key=$words[2]
    shift words
    (( CURRENT-- ))
    case $key in
      (${nested.join("|")})
        if (( CURRENT > 2 )); then
          key="$key $words[2]"
          shift words
          (( CURRENT-- ))
        fi
        ;;
    esac
  fi
  case $key in
${placesOf(commands).map(caseOf).join("\n")}
  esac
}
if [ "$funcstack[1]" = _maple ]; then
  _maple "$@"
else
  compdef _maple maple
fi
`;
}

function caseOf({ key, words, flags }: Place): string {
  const specs = flags.flatMap(specsOf);
  const lines = [`    (${quote(key)})`];
  if (words.length > 0) {
    lines.push(
      `      programs=(${words.map(wordSpec).join(" ")})`,
      "      _describe word programs",
    );
  }
  if (specs.length > 0) {
    lines.push(`      _arguments \\\n        ${specs.join(" \\\n        ")}`);
  }
  return [...lines, "      ;;"].join("\n");
}

function wordSpec({ name, help }: Word): string {
  return quote(`${name}:${help.replaceAll(":", "\\:")}`);
}

function specsOf(flag: Flag): string[] {
  const help = flag.help.replaceAll(/[[\]:\\]/g, "\\$&");
  const all = flagWords(flag);
  return all.map((word) => {
    const others = all.length > 1 ? `(${all.join(" ")})` : "";
    if (flag.type === "boolean") return quote(`${others}${word}[${help}]`);
    const what = (flag.value ?? "N").replaceAll(/[[\]:\\]/g, "\\$&");
    const equals = word.startsWith("--") ? "=" : "";
    return quote(
      `${others}${word}${equals}[${help}]:${what}:${valuesOf(flag)}`,
    );
  });
}

function valuesOf(flag: Flag): string {
  if (flag.choices) return `(${flag.choices.join(" ")})`;
  return takesFile(flag) ? "_files" : "";
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
