// Config files of a gateway, JSON and ini, as the frames that their lines are.

import type { Setting } from "../../../../gateway/config_file.ts";
import { SETTINGS } from "../../../../gateway/setting_table.ts";
import { utf8 } from "../../../box/support.ts";
import type { Random } from "../../../helpers/random.ts";
import { some } from "./boxes.ts";

const INI = SETTINGS.filter(({ ini }) => ini !== undefined);
const TEXTS = [
  ...["", "x", "127.0.0.1", "::", "10.0.0.0/8", "10.0.0.0/99", "*", "/p"],
  ...["https://example.org", "info", "epoll", "a,b,,c", "\u0000", "\u2028"],
  ...["/dev/null/none", "x".repeat(5000)],
];

/** The lines of a config file. */
export function configFile(random: Random): Uint8Array[] {
  const lines = random.next() < 0.6 ? json(random) : ini(random);
  const end = random.pick(["\n", "\n", "\r\n"]);
  return lines.map((line) => utf8(line + end));
}

function json(random: Random): string[] {
  const entries = some(random, (random) => {
    const { name, value } = setting(random, SETTINGS);
    return `"${name}": ${value}`;
  });
  return [
    "{",
    ...entries.map((entry, i) => i === 0 ? entry : `,${entry}`),
    "}",
  ];
}

function ini(random: Random): string[] {
  return some(random, (random) => {
    const { ini, value } = setting(random, INI);
    const [section, key] = ini!.split(".");
    return random.pick([
      `[${section}]\n${key} = ${value}`,
      `[${section}]\n${key}=${value} ; said`,
      `# ${value}`,
      `[log]\nlog_dir = ${value}\nfile_prefix = g`,
    ]);
  });
}

function setting(
  random: Random,
  settings: readonly Setting[],
): Pick<Setting, "name" | "ini"> & { value: string } {
  const { name, ini, flag } = random.pick(settings);
  const { min = 0, max = 100, choices = TEXTS } = flag as {
    min?: number;
    max?: number;
    choices?: readonly string[];
  };
  const value = random.next() < 0.1
    ? random.pick([
      "null",
      "[]",
      "{}",
      "1e999",
      "-0",
      "0x10",
      "true",
      '""',
      "NaN",
    ])
    : flag.type === "string"
    ? JSON.stringify(random.pick(choices))
    : flag.type === "boolean"
    ? random.pick(["true", "false"])
    : String(
      random.pick([
        min,
        max,
        min + 1,
        max + 1,
        -1,
        0.5,
        random.between(0, 70_000),
      ]),
    );
  return { name, ...(ini === undefined ? {} : { ini }), value };
}
