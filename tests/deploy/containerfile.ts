// Containerfile: its stages and instructions, and its build steps as plain commands.

import { dirname, join } from "node:path";
import { deployText } from "./deploy_files.ts";

/** One instruction. */
export interface Instruction {
  /** `FROM`, `RUN`, ... */
  readonly name: string;
  /** What follows. */
  readonly text: string;
}

/** The instructions of a file in gateway/deploy, in their order. */
export function instructionsOf(file: string): Instruction[] {
  return deployText(file).split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, name, text] = /^([A-Z]+) (.+)$/.exec(line)!;
      return { name: name!, text: text! };
    });
}

/** The same by stages, each of which begins with its FROM. */
export function stagesOf(file: string): Instruction[][] {
  const stages: Instruction[][] = [];
  for (const instruction of instructionsOf(file)) {
    if (instruction.name === "FROM") stages.push([]);
    stages.at(-1)!.push(instruction);
  }
  return stages;
}

/** The value of an instruction in the form of JSON, as of ENTRYPOINT. */
export function listOf(stage: readonly Instruction[], name: string): string[] {
  const found = stage.find((instruction) => instruction.name === name);
  return found === undefined ? [] : JSON.parse(found.text);
}

/** What {@linkcode buildIn} needs. */
export interface BuildOptions {
  /** The folder that the build is started in. */
  readonly context: string;
  /** Values of ARG. */
  readonly args: Readonly<Record<string, string>>;
  /** The environment of RUN. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Does in a folder what an engine would do in images: each stage is a folder there, in which paths
 * of the image are looked for.
 *
 * @returns The folder of the last stage.
 */
export async function buildIn(
  folder: string,
  file: string,
  { context, args, env }: BuildOptions,
): Promise<string> {
  const roots = new Map<string, string>();
  let root = "";
  let workdir = "/";
  const known: Record<string, string> = {};
  for (const { name, text } of instructionsOf(file)) {
    if (name === "FROM") {
      const [, stage = "last"] = / AS (\w+)$/.exec(text) ?? [];
      root = join(folder, stage);
      roots.set(stage, root);
      workdir = "/";
      await Deno.mkdir(root, { recursive: true });
    } else if (name === "ARG") {
      const [key = "", value = ""] = text.split("=");
      known[key] = args[key] ?? value;
    } else if (name === "WORKDIR") {
      workdir = text;
      await Deno.mkdir(join(root, workdir), { recursive: true });
    } else if (name === "COPY") {
      const words = text.split(" ");
      const [, from] = /^--from=(\w+)$/.exec(words[0]!) ?? [];
      const paths = from === undefined ? words : words.slice(1);
      const target = paths.pop()!;
      const source = from === undefined ? context : roots.get(from)!;
      for (const path of paths) {
        await copy(join(source, path), inside(root, workdir, target, path));
      }
    } else if (name === "RUN") {
      // Paths of the image are below the folder of its stage.
      const command = text.replaceAll(/(?<=[\s"])\/(?=\w)/g, `${root}/`);
      await run(command, join(root, workdir), { ...env, ...known });
    }
  }
  return root;
}

function inside(
  root: string,
  workdir: string,
  target: string,
  path: string,
): string {
  const at = target.startsWith("/") ? target : join(workdir, target);
  return target.endsWith("/") && path !== "."
    ? join(root, at, path)
    : join(root, at);
}

// Of a folder all but what only git and builds have there.
async function copy(source: string, target: string): Promise<void> {
  if ((await Deno.stat(source)).isDirectory) {
    await Deno.mkdir(target, { recursive: true });
    for await (const { name } of Deno.readDir(source)) {
      if (/^(\..*|dist|node_modules)$/.test(name)) continue;
      await copy(join(source, name), join(target, name));
    }
    return;
  }
  await Deno.mkdir(dirname(target), { recursive: true });
  await Deno.copyFile(source, target);
}

async function run(
  command: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-ec", command],
    cwd,
    env,
    stdin: "null",
  }).output();
  if (success) return;
  const decoder = new TextDecoder();
  throw new Error(
    `${command}: ${decoder.decode(stdout)}${decoder.decode(stderr)}`,
  );
}
