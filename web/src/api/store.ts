/** A small store of this browser, one record per name. Records may hold keys that cannot be exported. */

/** Reads a record. */
export async function load<T>(name: string): Promise<T | undefined> {
  return ask('readonly', (records) => records.get(name) as IDBRequest<T | undefined>);
}

/** Writes a record. */
export async function save(name: string, record: unknown): Promise<void> {
  await ask('readwrite', (records) => records.put(record, name));
}

/** Removes a record. */
export async function forget(name: string): Promise<void> {
  await ask('readwrite', (records) => records.delete(name));
}

/** This browser keeps nothing, as some do in a private window. */
export class KeepsNothing extends Error {}

async function ask<T>(
  mode: IDBTransactionMode,
  request: (records: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  let database: IDBDatabase | undefined;
  try {
    database = await settled(indexedDB.open('carhop', 1), (opening) =>
      (opening as IDBOpenDBRequest).result.createObjectStore('records'),
    );
    return await settled(request(database.transaction('records', mode).objectStore('records')));
  } catch (error) {
    throw new KeepsNothing('the store of this browser failed', { cause: error });
  } finally {
    database?.close();
  }
}

function settled<T>(
  request: IDBRequest<T>,
  upgrade?: (request: IDBRequest<T>) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (upgrade) (request as unknown as IDBOpenDBRequest).onupgradeneeded = () => upgrade(request);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the store of this browser failed'));
  });
}
