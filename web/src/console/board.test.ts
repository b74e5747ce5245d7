import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { serverNow } from '../api/clock';
import { Board } from './board.svelte';
import type { Staff } from './staff.svelte';

let board: Board | undefined;

beforeEach(() => vi.stubGlobal('location', { origin: 'https://authority.test' }));
afterEach(() => {
  board?.close();
  vi.unstubAllGlobals();
});

test('of several things told at once none is lost, and whoever left hears nothing more', async () => {
  const stream = new TransformStream<Uint8Array, Uint8Array>();
  const line = stream.writable.getWriter();
  board = new Board(staffWith(stream.readable));
  const heard: number[] = [];
  const others: number[] = [];
  board.hear(({ position }) => heard.push(position));
  const leave = board.hear(({ position }) => others.push(position));
  await line.write(told(7, 8, 9));
  await vi.waitFor(() => expect(heard).toEqual([7, 8, 9]));
  leave();
  await line.write(told(10));
  await vi.waitFor(() => expect(heard).toEqual([7, 8, 9, 10]));
  expect(others).toEqual([7, 8, 9]);
});

test('what happened long ago does not set the clock back that proofs are dated by', async () => {
  const stream = new TransformStream<Uint8Array, Uint8Array>();
  const line = stream.writable.getWriter();
  board = new Board(staffWith(stream.readable));
  const heard: number[] = [];
  board.hear(({ position }) => heard.push(position));
  await line.write(told(7));
  await vi.waitFor(() => expect(heard).toEqual([7]));
  expect(Math.abs(serverNow() - Date.now())).toBeLessThan(1000);
});

test('a disputed stop that is not there any more keeps no other from being shown', async () => {
  const there = { id: 'hs_there', state: 'completed', legs: [], exceptions: [] };
  const gone = { code: 'not_found', status: 404, reasons: [] };
  const staff = staffWith(new TransformStream<Uint8Array, Uint8Array>().readable);
  const api = {
    GET: (path: string, { params }: { params?: { path: { session: string } } } = {}) => {
      if (path === '/v1/disputes') {
        const data = [{ session: 'hs_gone' }, { session: there.id }];
        return Promise.resolve({ data: { data }, response: { ok: true } });
      }
      if (path !== '/v1/sessions/{session}') return staff.api.GET(path as '/v1/audit/root');
      return Promise.resolve(
        params?.path.session === there.id
          ? { data: there, response: { ok: true } }
          : { error: gone, response: { ok: false, status: 404 } },
      );
    },
  };
  const mayAll = { ...staff, api, may: () => true } as unknown as Staff;
  board = new Board(mayAll);
  await vi.waitFor(() => expect(board?.isLoaded).toBe(true));
  expect(board.problem).toBeUndefined();
  expect([...board.stops.keys()]).toEqual([there.id]);
});

/** Somebody whose authority knows no stops, and tells what comes out of `body`. */
function staffWith(body: ReadableStream<Uint8Array>): Staff {
  const answers: Record<string, unknown> = {
    '/v1/audit/root': { size: 7 },
    '/v1/sessions': { data: [], has_more: false },
  };
  const api = {
    GET: (path: string) => Promise.resolve({ data: answers[path], response: { ok: true } }),
  };
  const request = (): Promise<Response> => Promise.resolve(new Response(body));
  return { api, request, may: () => false, member: {} } as unknown as Staff;
}

/** Events of an hour ago, in one piece. */
function told(...positions: number[]): Uint8Array {
  const time = new Date(Date.now() - 3_600_000).toISOString();
  const events = positions.map((position) => ({ position, time, type: 'carhop.x.v1', data: {} }));
  return new TextEncoder().encode(
    events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''),
  );
}
