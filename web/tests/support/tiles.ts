/** A tile host of somebody else's, as far as a page can tell: another origin, and pictures that it makes itself. */

import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';

/** What was asked for. */
export interface Asked {
  zoom: number;
  column: number;
  row: number;
  headers: IncomingHttpHeaders;
}

export class TileHost {
  readonly asked: Asked[] = [];
  /** Which tiles there are. */
  has = (tile: Asked): boolean => tile.zoom > 0;

  private constructor(
    private readonly server: Server,
    readonly origin: string,
  ) {}

  /** Takes a port; it serves nobody before it has a certificate. */
  static async open(): Promise<TileHost> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const host = new TileHost(server, `https://localhost:${port}`);
    server.on('request', ({ url, headers }, response) => {
      const [zoom = 0, column = 0, row = 0] = (url ?? '').match(/\d+/g)?.map(Number) ?? [];
      const asked = { zoom, column, row, headers };
      host.asked.push(asked);
      if (host.has(asked))
        response.writeHead(200, { 'Content-Type': 'image/png' }).end(tile(asked));
      else response.writeHead(404).end();
    });
    return host;
  }

  /** Serves with a certificate of the folder; what a browser is told to trust comes back. */
  certify(folder: string, name: string): string {
    const [cert, key] = ['crt', 'key'].map((kind) => readFileSync(join(folder, `${name}.${kind}`)));
    if (!cert || !key) throw new Error(`no certificate ${name}`);
    this.server.setSecureContext({ cert, key });
    const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
    return createHash('sha256').update(spki).digest('base64');
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Blocks, houses and streets of a town that goes on from tile to tile. */
function tile({ zoom, column, row }: Asked): Buffer {
  const lines = Buffer.alloc(side * (side * 3 + 1));
  const perBlock = blockAt17 * 2 ** (zoom - 17);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const colour = colourAt((column * side + x) / perBlock, (row * side + y) / perBlock);
      colour.forEach((part, at) => lines.writeUInt8(part, y * (side * 3 + 1) + 1 + x * 3 + at));
    }
  }
  const head = Buffer.from([0, 0, 1, 0, 0, 0, 1, 0, 8, 2, 0, 0, 0]);
  const parts = [chunk('IHDR', head), chunk('IDAT', deflateSync(lines)), chunk('IEND')];
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts]);
}

/** At a place that is counted in blocks. */
function colourAt(u: number, v: number): readonly number[] {
  const [column, row] = [Math.floor(u), Math.floor(v)];
  const [x, y] = [u - column, v - row];
  if (x < 0.09 || y < 0.09) return column % 4 === 0 && x < 0.09 ? [250, 226, 160] : [255, 255, 255];
  if ((column * 7 + row * 5) % 11 === 0) return [203, 226, 190];
  const inHouse = [x, y].every((part) => part > 0.18 && part < 0.91 && (part * 4.1) % 1 > 0.16);
  return inHouse ? [222, 214, 203] : [240, 236, 228];
}

function chunk(name: string, data = Buffer.alloc(0)): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

function crc32(bytes: Buffer): number {
  let sum = 0xffff_ffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb8_8320 : 0);
  }
  return (sum ^ 0xffff_ffff) >>> 0;
}

const side = 256;
/** Pixels of a block at zoom level 17. */
const blockAt17 = 92;
