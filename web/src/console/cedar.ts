/**
 * The requirements that policies state, as far as their heads say it: which action each is about, which reason it gives, which
 * facts it looks at. It evaluates nothing; what came of a requirement the decision's record says.
 */

/** One requirement: a `forbid` with a name. */
export interface Requirement {
  id: string;
  reason: string;
  /** The actions it applies to; none are all of them. */
  actions: string[];
  /** The caller it is limited to. */
  actor: string | undefined;
  /** The facts it looks at, as paths. */
  facts: string[];
  text: string;
}

/** Reads every requirement of a file of policies. */
export function requirementsIn(text: string): Requirement[] {
  const plain = text.replace(/^\s*\/\/.*$/gm, '');
  const found: Requirement[] = [];
  for (const [whole, id = '', reason = '', body = ''] of plain.matchAll(policy)) {
    const head = body.slice(0, body.indexOf('resource'));
    const facts = [...body.matchAll(/context(?: has (\w+)|\.([a-z_.]*[a-z_]))/g)];
    found.push({
      id,
      reason,
      actions: [...head.matchAll(/Action::"(\w+)"/g)].flatMap(
        ([, name = '']) => groups[name] ?? [name],
      ),
      actor: /principal == Actor::"(\w+)"/.exec(head)?.[1],
      facts: [
        ...new Set(facts.map(([, has, path]) => (has ?? path ?? '').replace(/\.contains$/, ''))),
      ],
      text: whole.trim(),
    });
  }
  return found;
}

/** What a decision's inputs say at a path; whether it is there at all counts, too. */
export function valueAt(inputs: unknown, path: string): string | undefined {
  let at: unknown = inputs;
  for (const step of (renamed[path] ?? path).split('.')) {
    if (typeof at !== 'object' || at === null || !(step in at)) return undefined;
    at = (at as Record<string, unknown>)[step];
  }
  if (at === null || at === undefined) return 'none';
  return typeof at === 'object' ? JSON.stringify(at) : String(at);
}

/** Every input as a path and a value. */
export function flat(inputs: unknown, path = ''): [path: string, value: string][] {
  if (typeof inputs !== 'object' || inputs === null) return [[path, String(inputs ?? 'none')]];
  return Object.entries(inputs).flatMap(([name, value]) =>
    flat(value, path === '' ? name : `${path}.${name}`),
  );
}

const policy = /@id\("([^"]+)"\)\s*@reason\("(\w+)"\)\s*forbid\s*(\([\s\S]*?);/g;
/** The two actions that move metal. */
const groups: Record<string, string[]> = { release: ['release_compartment', 'dispense_fuel'] };
/** Facts that stand elsewhere in the record than in the policies' context. */
const renamed: Record<string, string> = {
  'order.value_minor': 'order.value.amount_minor',
  'order.currency': 'order.value.currency',
};
