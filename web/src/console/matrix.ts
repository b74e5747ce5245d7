/** The reviewed matrix of who may ask for what, when, read from the text that the policies' own tool writes. */

/** An action: for each state, a mark for each actor. */
export interface Action {
  name: string;
  actors: string[];
  rows: { state: string; cells: string[] }[];
  /** The reasons that evidence can lift. */
  lifts: string[];
}

/** What a mark means. */
export type Kind = 'always' | 'evidence' | 'never';

/** Reads the matrix; what is no table is passed over. */
export function readMatrix(text: string): Action[] {
  return text
    .split(/\n\n+/)
    .map((block) => block.split('\n').filter((line) => line.trim() !== ''))
    .flatMap(([head = '', ...lines]) => {
      const [name = '', ...actors] = head.trim().split(/\s+/);
      if (!/^[a-z_]+$/.test(name) || actors.length < 2 || !actors.includes('customer')) return [];
      const lifting = lines.find((line) => line.includes('evidence lifts:'));
      const lifts = lifting?.split(':')[1]?.match(/\w+/g) ?? [];
      const rows = lines
        .filter((line) => /^\s+[a-z_]+\s+[✔!✘]/u.test(line))
        .map((line) => {
          const [state = '', ...cells] = line.trim().split(/\s+/);
          return { state, cells };
        });
      return [{ name, actors, rows, lifts: [...lifts] }];
    });
}

/** What a mark means, without the number of its reason. */
export function cells(mark: string): { kind: Kind } {
  if (mark.startsWith('✔')) return { kind: 'always' };
  return { kind: mark.startsWith('!') ? 'evidence' : 'never' };
}
