import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cells, readMatrix } from './matrix';

test('every action of the reviewed matrix is read, each cell of it', () => {
  const matrix = readMatrix(readFileSync('../policies/expected/matrix.txt', 'utf8'));
  expect(matrix.map(({ name }) => name)).toContain('dispense_fuel');
  expect(matrix.length).toBe(15);
  for (const { name, actors, rows } of matrix) {
    expect(rows.length, name).toBe(10);
    for (const row of rows) expect(row.cells.length, `${name} ${row.state}`).toBe(actors.length);
  }
  const release = matrix.find(({ name }) => name === 'release_compartment');
  expect(release?.lifts).toContain('place_not_proven');
  const ready = release?.rows.find(({ state }) => state === 'handoff_ready');
  const driver = ready?.cells[release?.actors.indexOf('driver') ?? 0] ?? '';
  expect(cells(driver).kind).toBe('evidence');
});
