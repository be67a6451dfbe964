// SecretFile: a file with secrets that only its owner may use.

/** A file with secrets, removed at the end of the test. */
export class SecretFile implements AsyncDisposable {
  /** Where it is. */
  readonly path: string = Deno.makeTempFileSync();

  /** Makes one. */
  constructor(...lines: readonly string[]) {
    this.write(...lines);
  }

  /** Writes other lines in place of those before. */
  write(...lines: readonly string[]): void {
    Deno.writeTextFileSync(this.path, lines.join("\n"));
    this.chmod(0o600);
  }

  /** Changes who may use it, where the system knows such. */
  chmod(mode: number): void {
    if (Deno.build.os !== "windows") Deno.chmodSync(this.path, mode);
  }

  /** Removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path);
  }
}
