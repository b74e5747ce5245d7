/**
 * A real authority with a real lock and pump as processes, and a store and a driver that use nothing but its public
 * interface. Only the actuators are simulated, by `carhop device run --hands`.
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from 'node:tls';

const firmware = 'a1'.repeat(32);
export const tag = 'carhop-test-bay-7';

export type Json = Record<string, unknown>;

/** An answer, or why there is none. */
export class Told extends Error {
  constructor(
    readonly status: number,
    readonly body: Json,
  ) {
    super(`${status} ${JSON.stringify(body)}`);
  }
}

interface Asking {
  origin: string;
  method: string;
  path: string;
  body?: Json | undefined;
  headers?: Record<string, string>;
  certificate?: { cert: Buffer; key: Buffer } | undefined;
}

/** A lock or a pump that runs. */
export class Device {
  constructor(
    readonly id: string,
    private readonly process: ChildProcess,
  ) {
    // What it sees nobody reads here; were that left in the pipe, it would stand still one day.
    process.stdout?.resume();
  }

  /** Does something to it with hands. */
  touch(hand: Json): void {
    this.process.stdin?.write(JSON.stringify(hand) + '\n');
  }
}

/** Everything that a journey needs around the pages. */
export class World {
  origin = '';
  devices = '';
  lock!: Device;
  pump!: Device;
  driver = '';
  handset = '';
  /** What the browser is told to trust instead of an authority of the system. */
  spki = '';
  readonly folder = mkdtempSync(join(tmpdir(), 'carhop-web-'));
  readonly #processes: ChildProcess[] = [];
  #admin = '';
  #ca = '';
  #certificate: { cert: Buffer; key: Buffer } | undefined;

  /** With settings of its own at the end of those that every world has. */
  static async start(settings = ''): Promise<World> {
    const world = new World();
    await world.#serve(settings);
    await world.#draw();
    [world.lock, world.pump] = await Promise.all([
      world.device('lock'),
      world.device('pump'),
      world.#enrolHandset(),
    ]);
    return world;
  }

  /** Only the server, for pages whose authority is played by the test. */
  static async serveOnly(): Promise<World> {
    const world = new World();
    await world.#serve();
    return world;
  }

  stop(): void {
    for (const process of this.#processes) process.kill('SIGKILL');
    remove(this.folder);
  }

  /** As the store or the staff, with the administrator's key. */
  store(method: string, path: string, body?: Json): Promise<Json> {
    const headers = { Authorization: `Bearer ${this.#admin}` };
    return this.#ask({ origin: this.origin, method, path, body, headers });
  }

  /** As the driver, with the handset's certificate. */
  drive(method: string, path: string, body?: Json, headers = {}): Promise<Json> {
    const certificate = this.#certificate;
    return this.#ask({ origin: this.devices, method, path, body, headers, certificate });
  }

  /** Places an order; the session and the page of the customer. */
  async order(change: Json = {}): Promise<{ session: string; url: string }> {
    const order = await this.store('POST', '/v1/orders', {
      recipient: { reference: `customer-${randomUUID()}`, name: 'Kim' },
      vehicle: { plate: '7KD 201', description: 'blue Golf estate' },
      place: { venue: 'library', kind: 'lot', bay: '7' },
      window: { start: minutes(-1), end: minutes(60) },
      handoff: 'unattended',
      legs: [this.goods(), this.fuel()],
      value: { amount_minor: 4200, currency: 'EUR' },
      sensitivity: 'low',
      payment_reference: 'pre-auth-1',
      ...change,
    });
    const session = String(order.session);
    return { session, url: await this.link(session) };
  }

  goods(): Json {
    return { kind: 'goods', compartment: 'trunk', basket: ['apples'], device: this.lock.id };
  }

  fuel(): Json {
    return { kind: 'fuel', grade: 'regular', limit_ml: 40_000, device: this.pump.id };
  }

  /** A new one-time link; the former one is burned. */
  async link(session: string): Promise<string> {
    return String((await this.store('POST', `/v1/sessions/${session}/links`, {})).url);
  }

  async state(session: string): Promise<Json & { state: string; legs: { state: string }[] }> {
    const found = await this.store('GET', `/v1/sessions/${session}`);
    return found as Json & { state: string; legs: { state: string }[] };
  }

  async untilState(session: string, state: string): Promise<void> {
    await until(async () => (await this.state(session)).state === state, `the state ${state}`);
  }

  assign(session: string): Promise<Json> {
    return this.store('POST', `/v1/sessions/${session}/assignments`, { driver: this.driver });
  }

  /** The driver comes, scans the tag, reads the plate and says so. */
  async arrive(session: string): Promise<void> {
    await this.beThere(session);
    await this.drive('POST', `/v1/sessions/${session}/vehicle-matches`, { plate: '7KD 201' });
    await this.drive('POST', `/v1/sessions/${session}/arrivals`, {});
  }

  async beThere(session: string): Promise<void> {
    await this.report(session, { latitude: 37.391, longitude: -122.083 });
    await this.drive('POST', `/v1/sessions/${session}/tags`, { code: tag });
  }

  /** Where the driver's handset is now. */
  async report(session: string, at: { latitude: number; longitude: number }): Promise<void> {
    const fix = { ...at, accuracy_m: 8, fixed_at: minutes(0), source: 'fused' };
    await this.drive('POST', `/v1/sessions/${session}/positions`, { fixes: [fix] });
  }

  async prove(session: string, presented: Json): Promise<Json> {
    return this.drive('POST', `/v1/sessions/${session}/proofs`, presented);
  }

  /** Releases a leg as the driver. */
  async release(session: string, leg: number): Promise<Json> {
    const isFuel = leg === 1;
    const made = await this.drive('POST', `/v1/sessions/${session}/vehicle-tokens`, {});
    await this.beThere(session);
    const exchanged = await this.drive('POST', '/v1/tokens/exchange', {
      subject_token: made.token,
      audience: isFuel ? this.pump.id : this.lock.id,
      authorization_details: [
        {
          type: 'urn:carhop:handoff:v1',
          actions: [isFuel ? 'fuel_authorisation' : 'grocery_handoff'],
        },
      ],
    });
    const headers = { 'Carhop-Token': String(exchanged.access_token) };
    return this.drive('POST', `/v1/sessions/${session}/releases`, { leg }, headers);
  }

  /** Starts a lock or a pump, enrolled, attested and connected. */
  async device(kind: string): Promise<Device> {
    const name = `${kind} ${randomUUID().slice(0, 4)}`;
    const made = await this.store('POST', '/v1/devices/tickets', { class: kind, name });
    const id = String(made.device);
    const process = this.#spawn([
      ...['device', 'run', '--class', kind, '--store', id],
      ...['--server', this.origin, '--gateway', this.devices.replace('https:', 'wss:')],
      ...['--ca', this.#ca, '--ticket', String(made.ticket), '--attester', 'attester'],
      ...['--firmware', firmware, '--hands'],
    ]);
    const device = new Device(id, process);
    await until(
      async () => (await this.store('GET', `/v1/devices/${id}`)).tier === 'attested',
      `${name} to be attested`,
    );
    return device;
  }

  async attest(): Promise<void> {
    const { challenge } = await this.drive('POST', '/v1/attestations/challenges', {});
    const eat = this.#carhop([
      ...['keys', 'attestation', '--attester', 'attester', '--certificate', 'handset.crt'],
      ...['--challenge', String(challenge), '--firmware', firmware],
    ]);
    await this.drive('POST', '/v1/attestations', { challenge, eat });
  }

  async #serve(settings = ''): Promise<void> {
    this.#carhop(['keys', 'attester', 'attester']);
    const classes = ['lock', 'pump', 'handset'];
    const allowed = classes.map((name) => `{ class = "${name}", digest = "${firmware}" }`);
    writeFileSync(
      join(this.folder, 'carhop.toml'),
      `public_address = "127.0.0.1:0"
device_address = "127.0.0.1:0"
attestation_roots = ["attester/root.der"]
firmware = [${allowed.join(', ')}]
${settings}`,
    );
    const server = this.#spawn(['serve', '--config', 'carhop.toml']);
    if (!server.stdout) throw new Error('a server without output');
    const lines = createInterface(server.stdout);
    lines.on('line', (line) => {
      const [, what, url] = /(people and partners|devices)\s+(https:\S+)/.exec(line) ?? [];
      // A page is opened by a name: passkeys and the server's own links know no addresses.
      const named = String(url).replace('127.0.0.1', 'localhost');
      if (what === 'people and partners') this.origin = named;
      if (what === 'devices') this.devices = named;
    });
    await until(() => this.origin !== '' && this.devices !== '', 'the server');
    this.#ca = join(this.folder, 'carhop-data/ca.pem');
    this.#admin = readFileSync(join(this.folder, 'carhop-data/admin.key'), 'utf8').trim();
    this.spki = await this.#serverKey();
  }

  async #draw(): Promise<void> {
    const ring = [
      [-122.084, 37.39],
      [-122.082, 37.39],
      [-122.082, 37.392],
      [-122.084, 37.392],
      [-122.084, 37.39],
    ];
    const geometry = { type: 'Polygon', coordinates: [ring] };
    const zone = (kind: string, service: string, tags: string[]): Json => ({
      type: 'Feature',
      geometry,
      properties: { name: 'Los Altos Library', kind, services: [service], tags },
    });
    await this.store('PUT', '/v1/venues/library', {
      type: 'FeatureCollection',
      features: [
        zone('parking', 'grocery_handoff', [tag]),
        zone('fuelling', 'fuel_authorisation', []),
      ],
    });
  }

  async #enrolHandset(): Promise<void> {
    const made = await this.store('POST', '/v1/devices/tickets', { class: 'handset', name: 'h' });
    this.handset = String(made.device);
    this.#carhop(['keys', 'new', 'handset.key']);
    const csr = this.#carhop(['keys', 'csr', '--key', 'handset.key']);
    const ask = { origin: this.origin, method: 'POST', path: '/v1/devices/enrolments' };
    const enrolled = await this.#ask({ ...ask, body: { ticket: made.ticket, csr } });
    const chain = enrolled.certificate_chain as string[];
    writeFileSync(join(this.folder, 'handset.crt'), this.#carhop(['keys', 'chain', ...chain]));
    const file = (name: string): Buffer => readFileSync(join(this.folder, name));
    this.#certificate = { cert: file('handset.crt'), key: file('handset.key') };
    const named = { name: 'Mara Quist', device: this.handset };
    this.driver = String((await this.store('POST', '/v1/drivers', named)).driver);
    await this.attest();
  }

  /** SHA-256 of the key in the server's certificate. */
  #serverKey(): Promise<string> {
    const { hostname, port } = new URL(this.origin);
    const options = { host: hostname, port: Number(port), ca: readFileSync(this.#ca) };
    return new Promise((done, fail) => {
      const socket = connect({ ...options, servername: hostname }, () => {
        const { publicKey } = new X509Certificate(socket.getPeerCertificate().raw);
        const spki = publicKey.export({ type: 'spki', format: 'der' });
        socket.end();
        done(createHash('sha256').update(spki).digest('base64'));
      });
      socket.on('error', fail);
    });
  }

  #ask({ origin, method, path, body, headers, certificate }: Asking): Promise<Json> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((done, fail) => {
      const asking = request(
        origin + path,
        {
          method,
          ca: readFileSync(this.#ca),
          ...certificate,
          headers: {
            'Content-Type': 'application/json',
            'Idempotency-Key': randomUUID(),
            ...headers,
          },
        },
        (answer) => {
          let said = '';
          answer.setEncoding('utf8').on('data', (part: string) => (said += part));
          answer.on('end', () => {
            const json = (said === '' ? {} : JSON.parse(said)) as Json;
            const status = answer.statusCode ?? 0;
            if (status < 300) done(json);
            else fail(new Told(status, { path, ...json }));
          });
        },
      );
      asking.on('error', fail).end(text);
    });
  }

  #spawn(args: string[]): ChildProcess {
    const stdio = ['pipe', 'pipe', process.env.CARHOP_LOG ? 'inherit' : 'ignore'] as const;
    const child = spawn(binary(), args, { cwd: this.folder, stdio: [...stdio] });
    this.#processes.push(child);
    return child;
  }

  #carhop(args: string[]): string {
    const ran = spawnSync(binary(), args, { cwd: this.folder, encoding: 'utf8' });
    if (ran.status !== 0) throw new Error(`carhop ${args[0]} ${args[1]}: ${ran.stderr}`);
    return ran.stdout.trim();
  }
}

/** Looks until it is so. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = 30_000,
): Promise<void> {
  const end = Date.now() + patienceMs;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((wake) => setTimeout(wake, 60));
  }
}

/** Removes a folder in which a process that was just killed may still have been writing. */
export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** A time so many minutes from now. */
export function minutes(count: number): string {
  return new Date(Date.now() + count * 60_000).toISOString();
}

/** The server's program. */
export function binary(): string {
  const path = resolve(process.env.CARHOP ?? '../target/debug/carhop');
  if (!existsSync(path)) throw new Error(`there is no ${path}: build it, or set CARHOP`);
  return path;
}
