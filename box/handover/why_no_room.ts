// whyNoRoom(): why a process with lower limits cannot take what another one holds.

/**
 * Why what is there is more than the options allow; undefined when it is not. All by the options'
 * names.
 *
 * @param what What each limit is about.
 * @param needs How many of it there are.
 * @param options How many there may be.
 */
export function whyNoRoom<K extends string>(
  what: Readonly<Record<K, string>>,
  needs: Readonly<Record<K, number>>,
  options: Readonly<Record<K, number>>,
): string | undefined {
  for (const name of Object.keys(what) as K[]) {
    if (needs[name] <= options[name]) continue;
    return `there are ${needs[name]} ${what[name]}, and ${name} is ${
      options[name]
    }`;
  }
  return undefined;
}
